"""Decide many absences at once: each for itself."""

from collections.abc import Sequence

import msgspec
from django.utils import timezone

from courses.errors import AbsenceNotFound, CourseError, WhyRequired
from courses.models import Absence
from courses.selectors.absence_lists import absences_seen_by, viewer_of
from courses.services.absences import decide_absence
from courses.services.validation import clean_line
from users.models import User


class DecidedOne(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of them."""

    absence_id: int
    absence: Absence | None = None
    error: CourseError | None = None
    """Why nothing was decided."""


def decide_absences(
    *, absence_ids: Sequence[int], approve: bool, actor: User, why: str = ""
) -> list[DecidedOne]:
    """Approve or refuse several absences, and say of each what became of it.

    What the actor does not see is not there. Each has a transaction of its own, in the order
    of the people: so one that is refused, or a process that dies, takes no other back, and two
    callers never wait for each other's people and lessons crosswise. Raises InvalidText, and
    WhyRequired for refusals without one.
    """
    reason_given = clean_line(why)
    if not approve and not reason_given:
        raise WhyRequired
    viewer = viewer_of(user_id=actor.pk, person=actor.as_person(), at=timezone.now())
    seen = absences_seen_by(viewer).filter(pk__in=absence_ids).order_by("user_id", "pk")
    done = {
        absence_id: _decide(absence_id, approve=approve, actor=actor, why=reason_given)
        for absence_id in seen.values_list("pk", flat=True)
    }
    return [
        done.get(absence_id) or DecidedOne(absence_id=absence_id, error=AbsenceNotFound())
        for absence_id in dict.fromkeys(absence_ids)
    ]


def _decide(absence_id: int, *, approve: bool, actor: User, why: str) -> DecidedOne:
    try:
        absence = decide_absence(absence_id=absence_id, approve=approve, actor=actor, why=why)
    except CourseError as error:
        return DecidedOne(absence_id=absence_id, error=error)
    return DecidedOne(absence_id=absence_id, absence=absence)
