"""One request id, one change: in either store, and across the move from one to the other."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.errors import (
    AttendanceError,
    Conflict,
    LessonAlreadyLive,
    LessonUnreadable,
    RequestIdReused,
)
from attendance.live import client, keys, store
from attendance.models import AttendanceEvent, AttendanceRecord, QuarantinedPayload
from attendance.selectors.registers import find_events, find_register
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import (
    LessonPlan,
    extend_lesson,
    finish_lesson,
    rename_lesson,
    start_lesson,
    start_or_join,
)
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters import closing, not_held
from attendance.vocabulary import Verdict
from tests.support.lessons import (
    TEACHER,
    end,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from tests.support.sections import section_lesson, section_of_today, user_of
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "one-id"
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
LATER = timedelta(minutes=10)
Change = Callable[[UUID, str], Any]


def correction(
    number: int = 1,
    verdict: Verdict = Verdict.LATE,
    reason: str = "tram",
    actor: Person = TEACHER,
    **more: Any,
) -> Change:
    def change(lesson_id: UUID, request_id: str) -> Any:
        return correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number=student(number).school_number,
                verdict=verdict,
                actor=actor,
                reason=reason,
                request_id=request_id,
                **more,
            )
        )

    return change


def renaming(name: str) -> Change:
    return lambda i, key: rename_lesson(i, name, actor=TEACHER, request_id=key)


def saying_not_held(reason: str) -> Change:
    return lambda i, key: not_held.say_not_held(i, actor=TEACHER, reason=reason, request_id=key)


def saying_held(lesson_id: UUID, request_id: str) -> None:
    not_held.say_held(lesson_id, actor=TEACHER, request_id=request_id)


def finishing(lesson_id: UUID, request_id: str) -> Any:
    return finish_lesson(lesson_id, actor=TEACHER, request_id=request_id)


ENDS: dict[UUID, Any] = {}


def extending(by: timedelta) -> Change:
    def change(lesson_id: UUID, request_id: str) -> Any:
        if lesson_id not in ENDS:
            ENDS[lesson_id] = store.read_lesson(lesson_id).ends_at
        until = ENDS[lesson_id] + by
        return extend_lesson(lesson_id, until, actor=TEACHER, request_id=request_id)

    return change


class KindOfChange(NamedTuple):
    change: Change
    others: Mapping[str, Change]
    """Other changes of this kind, by what is different."""
    begins_live: bool = False
    """Whether a stored lesson does not take it any more."""


KINDS: Mapping[str, KindOfChange] = {
    "correction": KindOfChange(
        correction(),
        {
            "student": correction(2),
            "verdict": correction(verdict=Verdict.EXCUSE),
            "reason": correction(reason="rain"),
            "actor": correction(actor=STAFF),
            "nobody yet": correction(9, full_name="Student 0009"),
        },
    ),
    "addition": KindOfChange(
        correction(8, Verdict.ACCEPT, "", full_name="Student 0008"),
        {
            "student": correction(9, Verdict.ACCEPT, "", full_name="Student 0009"),
            "name": correction(8, Verdict.ACCEPT, "", full_name="Student 8"),
        },
    ),
    "deletion": KindOfChange(
        correction(verdict=Verdict.DELETE, reason="twice"),
        {"student": correction(2, Verdict.DELETE, "twice")},
    ),
    "name": KindOfChange(
        renaming("Chemistry"), {"name": renaming("Art"), "the name before": renaming("Physics")}
    ),
    "not held": KindOfChange(
        saying_not_held("snow"), {"reason": saying_not_held("fire"), "the contrary": saying_held}
    ),
    "extension": KindOfChange(
        extending(LATER),
        {"end": extending(2 * LATER), "an earlier end": extending(LATER / 2)},
        begins_live=True,
    ),
}
OTHER_KINDS: Mapping[str, Change] = {
    "correction": correction(3),
    "name": renaming("Geography"),
    "present name": renaming("Physics"),
    "not held": saying_not_held("storm"),
    "finish": finishing,
}
CASES = [
    pytest.param(kind, how, other, id=f"{name}-{how}-{other_name}")
    for name, kind in KINDS.items()
    for how in ("live", "stored", "moved")
    if not (kind.begins_live and how == "stored")
    for other_name, other in (*kind.others.items(), *OTHER_KINDS.items())
    if other_name != name
]


def make_stored(lesson_id: UUID) -> None:
    end(lesson_id)
    assert unified_persistence_task().exit_status == 0
    assert not client.connection().exists(*keys.of_lesson(lesson_id))


def lesson_at(how: str) -> UUID:
    lesson_id = live_lesson(3).id
    if how == "stored":
        make_stored(lesson_id)
    return lesson_id


def said_of(lesson_id: UUID) -> Any:
    view = find_register(lesson_id)
    events = [(e.kind, e.old, e.new, e.reason) for e in find_events(lesson_id).events]
    return view.lesson, view.revision, view.records, events


@pytest.mark.parametrize(("kind", "how", "other"), CASES)
def test_another_change_under_a_used_id_is_refused_and_changes_nothing(
    kind: KindOfChange, how: str, other: Change
) -> None:
    user_of(STAFF)
    lesson_id = lesson_at(how)
    kind.change(lesson_id, KEY)
    if how == "moved":
        make_stored(lesson_id)
    before = said_of(lesson_id)

    with pytest.raises(RequestIdReused):
        other(lesson_id, KEY)

    assert said_of(lesson_id) == before


@pytest.mark.parametrize(
    ("name", "how"),
    [
        (name, how)
        for name, kind in KINDS.items()
        for how in ("live", "stored", "moved")
        if not (kind.begins_live and how == "stored")
    ],
)
def test_the_same_change_once_more_has_the_first_answer(name: str, how: str) -> None:
    kind = KINDS[name]
    lesson_id = lesson_at(how)
    first = kind.change(lesson_id, KEY)
    if how == "moved":
        make_stored(lesson_id)
    before = said_of(lesson_id)

    again = kind.change(lesson_id, KEY)

    assert said_of(lesson_id) == before
    # The end of a lesson that was finished meanwhile is the answer then.
    assert again == first or (kind.begins_live and how == "moved")


def test_a_used_id_does_not_finish_a_lesson_and_another_one_does() -> None:
    lesson_id = lesson_at("live")
    correction()(lesson_id, KEY)

    with pytest.raises(RequestIdReused):
        finishing(lesson_id, KEY)
    assert store.read_lesson(lesson_id).is_open

    first = finishing(lesson_id, "another").ends_at
    assert finishing(lesson_id, "another").ends_at == first


def test_an_id_that_has_finished_a_lesson_stands_for_that_alone() -> None:
    lesson_id = lesson_at("live")
    finishing(lesson_id, KEY)

    for other in (correction(), renaming("Art"), saying_not_held("snow")):
        with pytest.raises(RequestIdReused):
            other(lesson_id, KEY)
    with pytest.raises(RequestIdReused):
        closing.close_roster(lesson_id, actor=TEACHER, request_id=KEY)
    with pytest.raises(RequestIdReused):
        extend_lesson(lesson_id, store.now() + LATER, actor=TEACHER, request_id=KEY)


def test_what_the_caller_has_seen_is_no_part_of_a_change() -> None:
    lesson_id = lesson_at("live")
    first = correction()(lesson_id, KEY)

    assert correction(expected_revision=1)(lesson_id, KEY) == first
    make_stored(lesson_id)
    assert correction(expected_revision=1)(lesson_id, KEY) == first


def test_numbers_are_the_same_however_they_are_typed() -> None:
    lesson_id = lesson_at("live")
    first = correction()(lesson_id, KEY)
    typed = Correction(
        lesson_id=lesson_id,
        school_number=" s-0001 ",
        verdict=Verdict.LATE,
        actor=Person("t-1", TEACHER.full_name, Role.TEACHER),
        reason="tram",
        request_id=KEY,
    )

    assert correct_record(typed) == first


def test_a_person_who_closes_or_completes_a_roster_stands_under_the_same_rule() -> None:
    user_of(STAFF)
    for number in (7, 8):
        user_of(student(number))
    lesson_id = section_lesson(section_of_today((1, 2)), here=(1,)).id
    finish_lesson(lesson_id, actor=TEACHER)

    def add(number: int, reason: str) -> Any:
        return closing.add_expected(
            lesson_id,
            student(number).school_number,
            actor=STAFF,
            reason=reason,
            request_id=KEY,
        )

    first = add(7, "enrolled later")
    before = said_of(lesson_id)
    assert add(7, "enrolled later") == first
    with pytest.raises(RequestIdReused):
        add(8, "enrolled later")
    with pytest.raises(RequestIdReused):
        add(7, "another reason")
    with pytest.raises(RequestIdReused):
        closing.close_roster(lesson_id, actor=STAFF, request_id=KEY)
    assert said_of(lesson_id) == before


# Starts


def starting(request_id: str = KEY, teacher: Person = TEACHER, **plan: Any) -> UUID:
    values: dict[str, Any] = {"lesson_name": "Physics", "minutes": 30} | plan
    asked = LessonPlan(**values)
    return start_lesson(asked, teacher=teacher, request_id=request_id).id


@pytest.mark.parametrize(
    "plan",
    [
        {"lesson_name": "Art"},
        {"minutes": 31},
        {"late_after_minutes": 5},
        {"checks": ("code",)},
    ],
)
def test_a_start_under_a_used_id_that_asks_for_another_lesson_is_refused(
    plan: dict[str, Any],
) -> None:
    lesson_id = starting()
    assert starting() == lesson_id

    with pytest.raises(RequestIdReused):
        starting(**plan)
    with pytest.raises(LessonAlreadyLive):
        starting("another", **plan)

    assert store.teachers_lesson(TEACHER.school_number).id == lesson_id  # type: ignore[union-attr]


def test_an_id_of_a_start_counts_until_that_lesson_is_over() -> None:
    first = starting()
    end(first)
    assert starting() != first


def test_a_used_id_does_not_join_the_lesson_of_another_course() -> None:
    colleague = Person("T-2", "Teacher 2", Role.TEACHER)
    own, other = (
        section_of_today((1,)),
        section_of_today((2,), code="ART-1", teachers=(TEACHER, colleague)),
    )
    lesson_id = starting(section=str(own.pk))
    joined = starting(section=str(other.pk), teacher=colleague)

    with pytest.raises(RequestIdReused):
        starting(section=str(other.pk))

    assert joined != lesson_id


def test_ids_of_two_teachers_have_nothing_to_do_with_each_other() -> None:
    colleague = Person("T-2", "Teacher 2", Role.TEACHER)
    section = section_of_today((1,), teachers=(TEACHER, colleague))
    lesson_id = starting(section=str(section.pk))

    plan = LessonPlan(minutes=90, section=str(section.pk))
    joined = start_or_join(plan, teacher=colleague, request_id=KEY)

    assert (joined.lesson.id, joined.is_joined) == (lesson_id, True)


# In one step


def lrange_calls() -> int:
    return sum(
        server.info("commandstats").get("cmdstat_lrange", {"calls": 0})["calls"]
        for server in client.servers()
    )


def test_no_change_of_a_lesson_reads_its_events() -> None:
    lesson = live_lesson(3)
    for number in range(20):
        correction(reason=f"reason {number}")(lesson.id, f"before-{number}")
    before = lrange_calls()

    correction(2)(lesson.id, KEY)
    correction(2)(lesson.id, KEY)
    renaming("Art")(lesson.id, "name")
    saying_not_held("snow")(lesson.id, "not-held")
    saying_held(lesson.id, "held")
    extending(LATER)(lesson.id, "extension")
    correction(9, Verdict.ACCEPT, "", full_name="Student 0009")(lesson.id, "addition")
    check_in(lesson.id, student=student(9))
    with pytest.raises(RequestIdReused):
        correction(3)(lesson.id, KEY)
    end(lesson.id)

    assert lrange_calls() == before
    redis: Any = client.connection()
    assert redis.hlen(keys.requests(lesson.id)) == redis.llen(keys.events(lesson.id))


def test_a_stored_request_is_looked_up_by_one_index() -> None:
    lesson_id = lesson_at("stored")
    correction()(lesson_id, KEY)
    first = AttendanceEvent.objects.get(request_id=KEY)
    values = {f.attname: getattr(first, f.attname) for f in AttendanceEvent._meta.fields}
    AttendanceEvent.objects.bulk_create(
        AttendanceEvent(**values | {"id": None, "revision": 1_000 + n, "request_id": f"many-{n}"})
        for n in range(5_000)
    )

    with CaptureQueriesContext(connection) as queries:
        correction()(lesson_id, KEY)

    (asked,) = (q["sql"] for q in queries if '"request_id" = ' in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE attendance_attendanceevent")
        cursor.execute("EXPLAIN " + asked)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "attendance_event_once_per_request" in plan


# What is damaged

Damage = Callable[[Any, str], Any]
DAMAGES: Mapping[str, Damage] = {
    "gone": lambda redis, key: redis.delete(key),
    "one entry less": lambda redis, key: redis.hdel(key, KEY),
    "a damaged entry": lambda redis, key: redis.hset(key, KEY, b"1|0000000000000000|2,x|"),
    "an entry of another lesson": lambda redis, key: redis.hset(
        key, KEY, redis.hget(key, "another")
    ),
    "of another type": lambda redis, key: (redis.delete(key), redis.set(key, "a string")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_entries_double_nothing_and_harm_nobody(damage: str) -> None:
    lesson_id = lesson_at("live")
    correction(2)(lesson_id, "another")
    first = correction()(lesson_id, KEY)
    DAMAGES[damage](client.connection(), keys.requests(lesson_id))
    before = said_of(lesson_id)

    assert correction()(lesson_id, KEY) == first
    with pytest.raises(RequestIdReused):
        correction(3)(lesson_id, KEY)
    assert said_of(lesson_id) == before

    correction(3)(lesson_id, "a-new-one")
    renaming("Art")(lesson_id, "name")
    assert check_in(lesson_id, student=student(7)).record.status == "present"
    with pytest.raises(RequestIdReused):
        correction(1)(lesson_id, "a-new-one")
    finishing(lesson_id, "finish")
    assert AttendanceEvent.objects.count() == 5
    assert not client.connection().exists(*keys.of_lesson(lesson_id))


def test_events_of_another_type_leave_nothing_half_done() -> None:
    lesson_id = lesson_at("live")
    correction()(lesson_id, KEY)
    redis: Any = client.connection()
    redis.delete(keys.events(lesson_id))
    redis.set(keys.events(lesson_id), "a string")
    before = redis_state()

    with pytest.raises(LessonUnreadable):
        correction(2)(lesson_id, "another")

    assert redis_state() == before


def test_no_caller_takes_the_id_of_an_arrival() -> None:
    lesson_id = lesson_at("live")
    correction(9, Verdict.ACCEPT, "", full_name="Student 0009")(lesson_id, "arrival-S-0009")
    check_in(lesson_id, student=student(9))
    finishing(lesson_id, "finish")

    kinds = set(AttendanceEvent.objects.values_list("kind", flat=True))
    assert kinds == {"record_corrected", "record_arrived", "lesson_finished"}
    assert QuarantinedPayload.objects.count() == 0


# Stores of different ages


def test_the_first_change_in_postgresql_and_the_repeat_in_redis() -> None:
    lesson_id = lesson_at("live")
    end(lesson_id)
    copy = redis_state()
    receipt = receipts.issue(check_in(lesson_id, student=student(1)))
    forget_everything()
    unified_persistence_task()
    receipts.redeem(receipt, caller=student(1))
    first = correction()(lesson_id, KEY)
    renaming("Art")(lesson_id, "name")
    put_back(copy)

    assert correction()(lesson_id, KEY) == first
    renaming("Art")(lesson_id, "name")
    for other in (correction(2), renaming("Music"), saying_not_held("snow")):
        with pytest.raises(RequestIdReused):
            other(lesson_id, KEY)

    live = store.read_lesson(lesson_id)
    assert (live.data.lesson_name, live.event_count) == ("Physics", 1)


def test_two_changes_under_one_id_in_two_stores_are_both_kept(settings: Any) -> None:
    settings.DISCARD_AFTER_MINUTES = 60
    lesson_id = lesson_at("live")
    copy = redis_state()
    correction()(lesson_id, KEY)
    end(lesson_id)
    assert unified_persistence_task().exit_status == 0
    put_back(copy)
    client.connection().delete(keys.events(lesson_id), keys.requests(lesson_id))
    for number in (1, 2, 3):
        correction(number, reason="rain")(lesson_id, f"rain-{number}")

    # Redis alone decides where a lesson is finished: it has never seen this id.
    finishing(lesson_id, KEY)

    (stored,) = AttendanceEvent.objects.filter(request_id=KEY)
    assert stored.kind == "record_corrected"
    aside = [bytes(payload.payload) for payload in QuarantinedPayload.objects.all()]
    assert any(b"lesson_finished" in payload for payload in aside)


def test_a_repeat_whose_record_went_to_quarantine_is_a_conflict_and_no_error() -> None:
    lesson_id = lesson_at("stored")
    correction(9, Verdict.ACCEPT, "", full_name="Student 0009")(lesson_id, KEY)
    AttendanceRecord.objects.filter(student__school_number="S-0009").delete()

    with pytest.raises(Conflict):
        correction(9, Verdict.ACCEPT, "", full_name="Student 0009")(lesson_id, KEY)


def test_a_receipt_heals_a_record_that_it_has_brought_back_before() -> None:
    lesson_id = lesson_at("live")
    receipt = receipts.issue(check_in(lesson_id, student=student(1)))
    redis: Any = client.connection()
    for _ in range(2):
        redis.hset(keys.records(lesson_id), "S-0001", b"garbage")
        found = receipts.redeem(receipt, caller=student(1))
        assert found.outcome is receipts.Found.RESTORED
    finishing(lesson_id, "finish")
    AttendanceRecord.objects.filter(student__school_number="S-0001").delete()

    assert receipts.redeem(receipt, caller=student(1)).outcome is receipts.Found.RESTORED


def test_errors_of_a_change_use_no_id() -> None:
    lesson_id = lesson_at("live")
    with pytest.raises(AttendanceError):
        correction(verdict=Verdict.UNDO, reason="")(lesson_id, KEY)

    assert correction(2)(lesson_id, KEY).status == "late"
