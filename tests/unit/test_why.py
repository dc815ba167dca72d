"""Why a record has its status, in words: each source, each bound, each side of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from msgspec.structs import replace

from attendance.rules.status import NO_RULE, ArrivalRule
from attendance.rules.verdicts import Mark
from attendance.selectors.registers import EventView
from attendance.selectors.shapes import LessonBrief, RegisterRecord, SectionBrief
from attendance.vocabulary import Source, Status
from attendance.wording.why import reason_of_person, reason_shown, why
from users.identity import Person, Role

ISTANBUL = ZoneInfo("Europe/Istanbul")
START = datetime(2026, 3, 2, 9, tzinfo=ISTANBUL)
RULE = ArrivalRule(opens_before_s=600, late_after_s=600, absent_after_s=1800)
MS = timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
def _elsewhere() -> Iterator[None]:
    """The campus has another clock than the place where the lesson is taught."""
    with timezone.override(UTC):
        yield


def lesson(
    start: datetime = START, rule: ArrivalRule = RULE, zone: str = "Europe/Istanbul", **values: str
) -> LessonBrief:
    return LessonBrief(
        id=UUID(int=1),
        lesson_name="Physics",
        teacher=Person("T-1", "Teacher 1", Role.TEACHER),
        starts_at=start,
        ends_at=start + timedelta(minutes=45),
        section=SectionBrief(
            id=1, code="PHYS-1", title="Physics", held_on=date(2026, 3, 2), time_zone=zone
        ),
        rule=rule,
        **values,
    )


def record(
    status: str,
    came: timedelta | None = None,
    source: str = "student",
    *,
    reason: str = "",
    mark: str = Mark.KEPT,
    changed: timedelta = timedelta(minutes=40),
) -> RegisterRecord:
    return RegisterRecord(
        school_number="S-1",
        full_name="Ada",
        status=status,
        checked_in_at=None if came is None else START + came,
        source=source,
        reason=reason,
        previous="",
        mark=mark,
        revision=5,
        changed_at=START + changed,
    )


def minutes(number: int, seconds: int = 0, ms: int = 0) -> timedelta:
    return timedelta(minutes=number, seconds=seconds, milliseconds=ms)


@pytest.mark.parametrize(
    ("status", "came", "words"),
    [
        ("present", minutes(-10), "present: came 08:50, late from 09:10 on"),
        ("present", minutes(5), "present: came 09:05, late from 09:10 on"),
        ("present", minutes(10) - MS, "present: came 09:09, late from 09:10 on"),
        ("late", minutes(10), "late: came 09:10:00, late from 09:10 on"),
        ("late", minutes(10, 59), "late: came 09:10:59, late from 09:10 on"),
        ("late", minutes(11), "late: came 09:11, late from 09:10 on"),
        ("late", minutes(30) - MS, "late: came 09:29, late from 09:10 on"),
        ("absent", minutes(30), "absent: came 09:30:00, absent from 09:30 on"),
        ("absent", minutes(31), "absent: came 09:31, absent from 09:30 on"),
    ],
)
@pytest.mark.parametrize("source", ["student", "receipt"])
def test_an_arrival_stands_beside_the_bound_that_decided(
    status: str, came: timedelta, words: str, source: str
) -> None:
    assert why(record(status, came, source), lesson()) == words


@pytest.mark.parametrize(
    ("status", "came", "words"),
    [
        ("present", minutes(10, 20), "present: came 09:10:20, late from 09:10:23 on"),
        ("present", minutes(10, 23, 455), "present: came 09:10:23.455, late from 09:10:23.456 on"),
        ("late", minutes(10, 23, 456), "late: came 09:10:23.456, late from 09:10:23.456 on"),
        ("late", minutes(10, 24), "late: came 09:10:24, late from 09:10:23 on"),
        ("late", minutes(11, 1), "late: came 09:11, late from 09:10 on"),
    ],
)
def test_a_bound_within_a_minute_has_the_places_that_it_takes(
    status: str, came: timedelta, words: str
) -> None:
    began = START + timedelta(seconds=23, milliseconds=456)
    assert why(record(status, came), lesson(began)) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (NO_RULE, "present: came 09:05"),
        (ArrivalRule(late_after_s=600), "present: came 09:05, late from 09:10 on"),
        (ArrivalRule(absent_after_s=1800), "present: came 09:05, absent from 09:30 on"),
    ],
)
def test_a_rule_that_there_is_not_is_not_told(rule: ArrivalRule, words: str) -> None:
    assert why(record("present", minutes(5)), lesson(rule=rule)) == words


def test_the_system_says_that_nobody_has_spoken_or_names_the_absence() -> None:
    absent = record("absent", source="system")
    assert why(absent, lesson()) == (
        "absent: no check-in by the end, and nobody has said otherwise"
    )
    excused = record("excused", source="system", reason="Illness")
    assert why(excused, lesson()) == "excused: approved absence (Illness)"
    assert why(replace(excused, reason=""), lesson()) == "excused: approved absence"


@pytest.mark.parametrize(
    ("source", "who"),
    [("teacher", "your teacher"), ("staff", "your staff"), ("verifier", "the verifier")],
)
@pytest.mark.parametrize("status", ["present", "late", "absent", "excused", "rejected"])
def test_a_word_names_who_said_it_and_when(status: str, source: str, who: str) -> None:
    label = str(Status(status).label)
    said = f"{label}: {who} said so at 09:40"
    assert why(record(status, source=source), lesson()) == said
    came = record(status, minutes(12), source)
    assert why(came, lesson()) == f"{said}; came 09:12"


def test_a_word_of_another_day_has_its_date() -> None:
    later = record("present", source="teacher", changed=timedelta(days=3))
    assert why(later, lesson()) == "present: your teacher said so at 5 Mar 2026, 09:00"


def test_an_arrival_after_the_word_does_not_become_its_time() -> None:
    after = record("absent", minutes(12), "teacher", changed=minutes(12))
    assert why(after, lesson()) == "absent: your teacher said so; came 09:12"


def event(kind: str, at: timedelta, source: str, name: str) -> EventView:
    return EventView(
        revision=2,
        kind=kind,
        happened_at=START + at,
        actor=Person("T-2", name, Role.TEACHER),
        source=source,
        student=Person("S-1", "Ada"),
        old="present",
        new="absent",
        reason="",
    )


def test_with_its_events_a_word_has_a_name_and_what_was_outranked_is_passed_over() -> None:
    events = [
        event("record_corrected", minutes(20), "teacher", "Teacher 1"),
        event("record_corrected", minutes(25), "staff", "Staff 1"),
        event("record_claimed", minutes(30), "staff", "Staff 2"),
        event("roster_added", minutes(31), "staff", "Staff 3"),
        event("record_claimed", minutes(35), "teacher", "Teacher 1"),
    ]
    assert why(record("absent", source="staff"), lesson(), events) == (
        "absent: Staff 1 said so at 09:25"
    )


def test_what_waits_says_for_whom() -> None:
    held = record("pending", minutes(5), reason="not_on_roster")
    assert why(held, lesson()) == "waiting: not on the roster, came 09:05; the teacher decides"
    assert reason_shown(held) == "not on the roster"
    checked = record("pending", minutes(5))
    assert why(checked, lesson()) == "waiting: the verifier has not answered yet, came 09:05"


def test_what_was_taken_out_or_not_held_does_not_count() -> None:
    out = record("present", minutes(5), "teacher", mark=Mark.DELETED)
    assert why(out, lesson()) == "taken out: your teacher said so at 09:40; came 09:05"
    undone = record("present", source="teacher", mark=Mark.UNDONE)
    assert why(undone, lesson()) == "no mark: it was added, and taken back"
    cancelled = lesson(not_held_reason="snow")
    assert why(out, cancelled) == "does not count: the lesson was not held (snow)"


def test_the_reason_of_a_person_is_not_that_of_the_system() -> None:
    assert reason_of_person(record("excused", source="system", reason="Illness")) == ""
    assert reason_of_person(record("pending", minutes(1), reason="not_on_roster")) == ""
    assert reason_of_person(record("late", source="teacher", reason="the tram")) == "the tram"


def test_where_clocks_change_the_zone_is_named() -> None:
    # 26 October 2025: 03:00 becomes 02:00 in Berlin.
    start = datetime(2025, 10, 26, 0, 50, tzinfo=UTC)
    berlin = lesson(start, zone="Europe/Berlin")
    came = replace(record("present"), checked_in_at=start + minutes(8))
    assert why(came, berlin) == "present: came 02:58 CEST, late from 02:00 CET on"


def test_without_a_course_the_clock_is_that_of_the_campus() -> None:
    alone = replace(lesson(), section=None)
    assert why(record("late", minutes(12)), alone) == "late: came 06:12, late from 06:10 on"


def test_every_status_of_every_source_has_words_in_both_languages() -> None:
    for language in ("en", "tr"):
        with translation.override(language):
            for status in Status.values:
                for source in Source.values:
                    for came in (None, minutes(12)):
                        words = why(record(status, came, source), lesson())
                        assert words
                        assert "%(" not in words
