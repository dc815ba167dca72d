"""Whom staff may invite: people who have no password yet, and what they have of a link."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from courses.models import Enrolment, Section
from users.models import User
from users.services.inviting import without_password

MOST = 100
"""Shown at once: as many slips are drawn in a moment, and fit into a hand."""


class Invitable(NamedTuple):
    user: User
    link_until: datetime | None
    """Until when the link is good that they have; None where they have none."""


class InvitablePage(NamedTuple):
    people: list[Invitable]
    more: int
    """How many do not fit on the page."""


def find_section(section_id: int) -> Section | None:
    """A course by its id, archived or not; None where there is none."""
    return Section.objects.filter(pk=section_id).first()


def find_invitable(*, section: Section | None, search: str, at: datetime) -> InvitablePage:
    """The first hundred by name, of a course where one is given; two queries."""
    rows = without_password()
    if section is not None:
        on = section.local_date(at)
        members = Enrolment.objects.filter(section=section).on(on)
        rows = rows.filter(pk__in=members.values("user"))
    if search:
        rows = rows.filter(Q(full_name__found=search) | Q(school_number__found=search))
    shown = _with_links(rows).order_by("full_name", "school_number")[:MOST]
    people = [Invitable(user, _until(user, at)) for user in shown]
    more = rows.count() - MOST if len(people) == MOST else 0
    return InvitablePage(people, more)


def _with_links(rows: QuerySet[User]) -> QuerySet[User]:
    return rows.select_related("password_link")


def _until(user: Any, at: datetime) -> datetime | None:
    link = getattr(user, "password_link", None)
    return link.expires_at if link and link.expires_at > at else None
