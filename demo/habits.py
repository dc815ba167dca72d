"""Who came to a past lesson, when, and what the teacher said: believable, and always the same."""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from msgspec import structs

from attendance.live.payloads import EventData, LiveEvent, LiveRecord, NotHeld
from attendance.rules.instants import instant, milliseconds
from attendance.rules.status import ArrivalRule, worth_of_arrival
from attendance.rules.verdicts import NO_RECORD, Mark
from attendance.vocabulary import EventKind, Refusal, Source, Status
from demo import timetable
from demo.timetable import MONDAY, MeetingOfDemo, SectionOfDemo, Stay
from users.identity import Person

SEED = "20260302"
LEAST_EARLY_S, MOST_EARLY_S = 300, 540
"""Seconds before and after the start between which almost everybody comes."""
LATEST_S = 1_500
LATE_ON_MONDAYS = 0.22
WALKED_IN_AFTER_MS, DECIDED_BEFORE_MS = 240_000, 300_000
"""After the start, and before the end."""
CORRECTED = 0.4
"""Of so many lessons a teacher corrects one record."""
FADING = {5: 0.6, 6: 0.3, 7: 0.15}
"""How likely the student who fades out comes in these weeks; later never."""


class Scene(NamedTuple):
    """One past lesson, before anybody came."""

    section: SectionOfDemo
    meeting: MeetingOfDemo
    rule: ArrivalRule
    teacher: Person
    people: Mapping[int, Person]
    """The students by their place."""
    stays: Sequence[Stay]


class Told(NamedTuple):
    """What the live store would have held at the end."""

    records: list[LiveRecord]
    events: list[LiveEvent]
    revision: int
    not_held: NotHeld | None = None


class _Habit(NamedTuple):
    comes: float
    is_late: float


def tell(scene: Scene) -> Told:
    """Play a lesson: check-ins in the order of arrival, then what its teacher said."""
    *when, why = timetable.NOT_HELD
    if [scene.section.code, scene.meeting.week, scene.meeting.weekday] == when:
        return _not_held(scene, why)
    rng = random.Random(f"{SEED}:{scene.section.code}:{scene.meeting[:2]}")  # noqa: S311 - a story
    day = scene.meeting.starts_at.date()
    there = [stay.student for stay in scene.stays if stay.covers(day)]
    arrivals = {i: at for i in there if (at := _arrival(scene, i, rng)) is not None}
    played = _Played(scene)
    for student, at in sorted(arrivals.items(), key=lambda item: item[1]):
        played.check_in(scene.people[student], at)
    walked_in = (scene.section.code, scene.meeting.week, scene.meeting.weekday)
    if walked_in in timetable.WALKED_IN:
        is_first = walked_in == timetable.WALKED_IN[0]
        played.hold(scene.people[timetable.WALK_IN], is_accepted=is_first)
    if rng.random() < CORRECTED:
        missing = [i for i in there if i not in arrivals and i not in timetable.WITH_A_STORY]
        played.correct(scene.people[rng.choice(missing)] if missing else None)
    return Told(played.records, played.events, played.revision)


def _arrival(scene: Scene, student: int, rng: random.Random) -> int | None:
    """Seconds after the start, or None for whoever does not come."""
    habit = _habit(student)
    # Drawn in any case, so that one student's story changes nobody else's.
    luck, lateness, place = rng.random(), rng.random(), rng.random()
    if luck > _likelihood(scene, student, habit):
        return None
    monday = LATE_ON_MONDAYS if _is_monday_morning(scene.meeting) else 0.0
    if lateness < habit.is_late + monday:
        return round(timetable.LATE_AFTER_S + place**2 * (LATEST_S - timetable.LATE_AFTER_S))
    return round(-LEAST_EARLY_S + place * (LEAST_EARLY_S + MOST_EARLY_S))


def _habit(student: int) -> _Habit:
    if student == timetable.OWN:
        return _Habit(comes=0.9, is_late=0.08)
    rng = random.Random(f"{SEED}:{student}")  # noqa: S311 - a story
    return _Habit(comes=1 - 0.25 * rng.random() ** 2, is_late=0.08 * rng.random())


def _likelihood(scene: Scene, student: int, habit: _Habit) -> float:
    week = scene.meeting.week
    if student == timetable.EXCUSED and week == timetable.EXCUSED_WEEK:
        return 0.0
    if student == timetable.FADING and week >= timetable.FADING_WEEK:
        return FADING.get(week, 0.0)
    return habit.comes - 0.004 * week


def _is_monday_morning(meeting: MeetingOfDemo) -> bool:
    return meeting.weekday == MONDAY and meeting.starts_at.hour < 12  # noqa: PLR2004 - noon


def _not_held(scene: Scene, why: str) -> Told:
    said_at = scene.meeting.starts_at + timedelta(minutes=5)
    event = LiveEvent(
        data=EventData(
            EventKind.LESSON_NOT_HELD.value, scene.teacher, Source.TEACHER.value, reason=why
        ),
        revision=2,
        happened_at=said_at,
        request_id="not-held",
        old="",
        new="",
    )
    said = NotHeld(actor=scene.teacher, reason=why, said_at=milliseconds(said_at))
    return Told([], [event], revision=2, not_held=said)


class _Played:
    """The records and events of a lesson, each change at the next revision."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._starts_at = milliseconds(scene.meeting.starts_at)
        self._records: dict[str, LiveRecord] = {}
        self.events: list[LiveEvent] = []
        self.revision = 1

    @property
    def records(self) -> list[LiveRecord]:
        return list(self._records.values())

    def check_in(self, student: Person, seconds: int) -> None:
        at = self._starts_at + seconds * 1_000
        status = worth_of_arrival(at, starts_at=self._starts_at, rule=self._scene.rule)
        self._keep(_record(student, status, at=at, revision=self._next()))

    def hold(self, student: Person, *, is_accepted: bool) -> None:
        """Somebody who is not on the roster comes; the teacher accepts, or says nothing."""
        at = self._starts_at + WALKED_IN_AFTER_MS
        held = _record(student, Status.PENDING, at=at, revision=self._next())
        self._keep(structs.replace(held, reason=Refusal.NOT_ON_ROSTER.value))
        if is_accepted:
            self._decide(held, Status.PRESENT, old=Status.PENDING, why="")

    def correct(self, missing: Person | None) -> None:
        """The teacher lets the last who was late count, or excuses somebody who is missing."""
        late = next((r for r in reversed(self.records) if r.status == Status.LATE), None)
        if late is not None and self._scene.meeting.week % 2:
            self._decide(late, Status.PRESENT, old=Status.LATE, why="The tram did not run.")
        elif missing is not None:
            blank = _record(missing, Status.EXCUSED, at=None, revision=0)
            why = "Showed a letter of the physician."
            self._decide(blank, Status.EXCUSED, old=NO_RECORD, why=why)

    def _decide(self, before: LiveRecord, status: Status, *, old: str, why: str) -> None:
        revision, at = self._next(), milliseconds(self._scene.meeting.ends_at) - DECIDED_BEFORE_MS
        self._keep(
            structs.replace(
                before,
                status=status.value,
                source=Source.TEACHER.value,
                reason=why,
                actor=self._scene.teacher,
                previous=str(old),
                revision=revision,
                changed_at_ms=at,
            )
        )
        student = Person(before.school_number, before.full_name)
        kind, source = EventKind.RECORD_CORRECTED.value, Source.TEACHER.value
        self.events.append(
            LiveEvent(
                data=EventData(kind, self._scene.teacher, source, student, why),
                revision=revision,
                happened_at=instant(at),
                request_id=f"demo-{revision}",
                old=str(old),
                new=status.value,
            )
        )

    def _keep(self, record: LiveRecord) -> None:
        self._records[record.school_number] = record

    def _next(self) -> int:
        self.revision += 1
        return self.revision


def _record(student: Person, status: str, *, at: int | None, revision: int) -> LiveRecord:
    """A check-in at an instant; None for somebody who did not come."""
    return LiveRecord(
        school_number=student.school_number,
        full_name=student.full_name,
        status=str(status),
        checked_in_at_ms=at,
        source=Source.STUDENT.value,
        reason="",
        actor=None,
        previous="",
        mark=Mark.KEPT.value,
        revision=revision,
        changed_at_ms=at or 0,
    )
