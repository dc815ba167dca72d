"""The section of a lesson that starts: its title, its rule, its time zone and its roster."""

from datetime import datetime
from typing import NamedTuple

from attendance.errors import NotATeacher
from attendance.live.payloads import SectionData
from attendance.live.store import Listed, LiveRoster
from attendance.rules.status import NO_RULE, ArrivalRule
from courses.models import Policy, Section
from courses.selectors.rosters import roster_on
from courses.selectors.sections import find_section
from users.identity import Person
from users.selectors import find_account


class SectionOfLesson(NamedTuple):
    data: SectionData
    title: str
    rule: ArrivalRule
    roster: LiveRoster


def find_section_of_lesson(key: str, *, teacher: Person, at: datetime) -> SectionOfLesson:
    """The section that a teacher or an assistant means, as it is for a lesson at an instant.

    `key` is its id or its code. Raises NotATeacher for somebody without an account,
    SectionNotFound and SectionAmbiguous.
    """
    user = find_account(teacher.school_number)
    if user is None:
        raise NotATeacher
    section = find_section(key=key, user=user, on=at)
    return SectionOfLesson(
        data=SectionData(
            id=section.pk,
            code=section.code,
            title=section.title,
            time_zone=section.time_zone,
            walk_ins=section.walk_ins,
            policy_id=section.policy_id,
        ),
        title=section.title,
        rule=rule_of_policy(section.policy),
        roster=live_roster(section, at=at),
    )


def rule_of_policy(policy: Policy | None) -> ArrivalRule:
    """What a version of a policy says of arrivals; without one nobody is late."""
    if policy is None:
        return NO_RULE
    return ArrivalRule(
        opens_before_s=policy.opens_before_s,
        late_after_s=policy.late_after_s,
        absent_after_s=policy.absent_after_s,
    )


def live_roster(section: Section, *, at: datetime) -> LiveRoster:
    """The copy of a roster for the live store: each number by which somebody may check in."""
    roster = roster_on(section_id=section.pk, on=section.local_date(at))
    return {
        number: Listed(person.full_name, person.school_number)
        for person in roster.values()
        for number in person.numbers
    }
