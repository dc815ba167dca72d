"""Open warnings against what the figures of everybody say, by the rules for one person."""

from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Q
from django.utils import timezone

from attendance.rules.figures import NOTHING, share
from attendance.rules.judging import Judgement, needed_by
from courses.models import Policy, Section
from reports.figures import figures_of, held_weights
from reports.listed import LISTED
from reports.models import FigureWarning, SectionTotal
from reports.scope import Scope
from reports.signs import missed_in_a_row
from users.models import User

Open = set[tuple[int, int, str]]


def open_warnings(*kinds: str) -> Open:
    rows = FigureWarning.objects.filter(retracted_at=None, kind__in=kinds)
    return set(rows.values_list("section_id", "user_id", "kind"))


def judged_warnings() -> Open:
    """Which of share, row and registers have to be open, in every section."""
    found: Open = set()
    for section in Section.objects.exclude(policy=None).select_related("policy"):
        policy = section.policy
        assert policy is not None
        if policy.warn_permille is None and policy.in_a_row is None and policy.days_without is None:
            continue
        rows = SectionTotal.objects.filter(section=section)
        known = rows.values_list("user_id", flat=True).distinct().order_by()
        people = [pk for pk in known if not _has_left(section, pk)]
        found |= {(section.pk, pk, "share") for pk in _below(section, policy, people)}
        row = missed_in_a_row(section.pk, people)
        if policy.in_a_row is not None:
            found |= {(section.pk, pk, "in_a_row") for pk in people if row[pk] >= policy.in_a_row}
        scope = Scope(at=timezone.now(), section_ids=frozenset({section.pk}), time_zone="UTC")
        for lesson in LISTED["not-taken"].query(scope):
            teacher = User.objects.get(school_number=lesson.teacher__school_number)
            found.add((section.pk, teacher.merged_into_id or teacher.pk, "not_taken"))
    return found


def _has_left(section: Section, root_id: int) -> bool:
    """Whether all that somebody had of a roster has ended, earlier than the section."""
    accounts = User.objects.filter(Q(pk=root_id) | Q(merged_into=root_id))
    rows = section.enrolments.filter(user__in=accounts, role="student")
    today = timezone.now().astimezone(ZoneInfo(section.time_zone)).date()
    lasting = [
        row
        for row in rows
        if row.ends_on is None
        or row.ends_on >= section.ends_on
        or max(row.begins_on, today) < row.ends_on
    ]
    return bool(rows) and not lasting


def _below(section: Section, policy: Policy, people: list[int]) -> list[int]:
    if policy.warn_permille is None:
        return []
    needed = msgspec.structs.replace(needed_by(policy), threshold=share(policy.warn_permille))
    ahead = needed.ahead(held_weights({section.pk: policy}).get(section.pk, NOTHING))
    figures = figures_of(section.pk, people, policy)
    return [pk for pk in people if needed.judge(figures[pk], ahead=ahead) is Judgement.BELOW]


def wrong_warnings() -> Open:
    """Those that are open and should not be, and those that should be and are not."""
    return open_warnings("share", "in_a_row", "not_taken") ^ judged_warnings()
