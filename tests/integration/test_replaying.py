"""Replay from quarantine: the original record, where nobody has said otherwise."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from attendance.errors import (
    AlreadySettled,
    Conflict,
    InvalidInput,
    LessonNotFound,
    NotYourLesson,
    RecordExists,
    RequestIdReused,
    StillUnreadable,
)
from attendance.live import client, envelope, keys, store
from attendance.live.payloads import LiveRecord
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.rules import instants
from attendance.selectors.registers import find_record, find_register
from attendance.services import quarantine, receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.quarantine.records import CorrectedCopy, made_out
from attendance.services.stores.reconciling import accept_what_is_there
from attendance.vocabulary import Verdict
from tests.support.factories import QuarantinedPayloadFactory, UserFactory
from tests.support.lessons import (
    TEACHER,
    end,
    forget_everything,
    live_lesson,
    put_back,
    put_record,
    redis_state,
    sealed_record,
    student,
)
from tests.support.people import merge
from users.identity import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

NUMBER = "S-0002"
SOURCE = "student"


@pytest.fixture(autouse=True)
def staff_user(staff: Person) -> None:
    UserFactory(school_number=staff.school_number, full_name=staff.full_name, staff=True)


def raw_of(lesson_id: Any, number: str = NUMBER) -> bytes:
    return client.connection().hget(keys.records(lesson_id), number) or b""  # type: ignore[return-value]


def decoded(lesson_id: Any, number: str = NUMBER) -> LiveRecord:
    found = store.read_record(lesson_id, number).record
    assert found is not None
    return found


def quarantined(damage: Callable[[bytes], bytes] = lambda raw: raw) -> tuple[Any, LiveRecord]:
    """A stored lesson of S-0001; the record of S-0002 is in quarantine, damaged in a way.

    Without damage it can be read again, as after an update.
    """
    lesson = live_lesson(2)
    original, raw = decoded(lesson.id), raw_of(lesson.id)
    put_record(lesson.id, NUMBER, b"garbage")
    end(lesson.id)
    unified_persistence_task()
    QuarantinedPayload.objects.update(payload=damage(raw))
    return QuarantinedPayload.objects.get(), original


def correct(lesson_id: Any, number: str = NUMBER, **values: Any) -> Any:
    plain = Correction(
        lesson_id=lesson_id,
        school_number=number,
        verdict=Verdict.LATE,
        actor=TEACHER,
        reason="tram",
        full_name="Student 0002",
    )
    return correct_record(replace(plain, **values))


def row_of(number: str = NUMBER) -> AttendanceRecord:
    return AttendanceRecord.objects.get(school_number=number)


def copy_of(payload: QuarantinedPayload, **supplied: Any) -> CorrectedCopy:
    """What a form holds: what can be made out, and what somebody has supplied."""
    said = made_out(payload)
    plain = CorrectedCopy(said.school_number, said.full_name, said.status, "looked at the bytes")
    return plain._replace(**supplied)


def test_the_original_record_is_restored_with_an_event(staff: Person) -> None:
    payload, original = quarantined()
    before = Attendance.objects.get().revision

    quarantine.retry_payload(payload.pk, actor=staff)

    row = row_of()
    assert (row.status, row.source, row.reason) == (original.status, SOURCE, "")
    assert (row.checked_in_at, row.changed_at) == (original.checked_in_at, original.changed_at)
    assert row.revision == original.revision
    event = AttendanceEvent.objects.get(kind="record_replayed")
    assert (event.actor.school_number, event.source) == ("STAFF-1", "staff")
    assert (event.old, event.new, event.student_id) == ("none", "present", row.student_id)
    assert event.reason.startswith("from quarantine: ")
    assert event.happened_at > row.changed_at
    assert event.revision == Attendance.objects.get().revision == before + 1
    payload.refresh_from_db()
    assert payload.state == "replayed"


def test_a_copy_that_comes_back_says_nothing_else_than_what_was_restored(staff: Person) -> None:
    lesson = live_lesson(2)
    dumped, raw = redis_state(), raw_of(lesson.id)
    put_record(lesson.id, NUMBER, b"garbage")
    end(lesson.id)
    unified_persistence_task()
    QuarantinedPayload.objects.update(payload=raw)
    quarantine.retry_payload(QuarantinedPayload.objects.get().pk, actor=staff)
    put_back(dumped)
    end(lesson.id)

    unified_persistence_task()

    assert not QuarantinedPayload.objects.filter(state="open").exists()
    assert row_of().source == SOURCE


def test_a_name_is_supplied_and_the_rest_is_the_original(staff: Person) -> None:
    # A flipped byte in the name: the checksum tells, and the rest can be made out.
    payload, original = quarantined(lambda raw: raw.replace(b"Student 0002", b"Stu\xffent 0002"))
    with pytest.raises(StillUnreadable):
        quarantine.retry_payload(payload.pk, actor=staff)

    copy = copy_of(payload, full_name="Student 0002")
    quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)

    row = row_of()
    assert (row.full_name, row.status, row.source) == ("Student 0002", "present", SOURCE)
    assert row.checked_in_at == original.checked_in_at
    # Nobody can tell whether its revision is the byte that was flipped.
    assert row.revision == Attendance.objects.get().revision
    event = AttendanceEvent.objects.get(kind="record_replayed")
    assert event.reason == "from quarantine: looked at the bytes"


def test_a_form_without_milliseconds_changes_no_arrival(staff: Person) -> None:
    payload, original = quarantined(lambda raw: raw.replace(b"Student 0002", b"Stu\xffent 0002"))
    assert original.checked_in_at is not None
    typed = original.checked_in_at.replace(microsecond=0)

    copy = copy_of(payload, full_name="Student 0002", checked_in_at=typed)
    quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)

    assert (row_of().source, row_of().checked_in_at) == (SOURCE, original.checked_in_at)


@pytest.mark.parametrize("change", ["status", "arrival"])
def test_another_status_or_arrival_is_the_word_of_whoever_says_it(
    change: str, staff: Person
) -> None:
    payload, original = quarantined()
    at = timezone.now() - timedelta(minutes=3)
    supplied = {"status": "late"} if change == "status" else {"checked_in_at": at}

    quarantine.replay_payload(payload.pk, corrected=copy_of(payload, **supplied), actor=staff)

    row = row_of()
    assert row.source == "staff"
    assert row.checked_in_at == (original.checked_in_at if change == "status" else at)
    assert AttendanceEvent.objects.get(student=row.student).kind == "record_corrected"


def test_a_deletion_is_restored_as_a_deletion(staff: Person) -> None:
    lesson = live_lesson(2)
    correct(lesson.id, verdict=Verdict.DELETE, reason="a mistake")
    raw = raw_of(lesson.id)
    put_record(lesson.id, NUMBER, b"garbage")
    end(lesson.id)
    unified_persistence_task()
    QuarantinedPayload.objects.update(payload=raw)

    quarantine.retry_payload(QuarantinedPayload.objects.get().pk, actor=staff)

    row = row_of()
    assert (row.is_deleted, row.deleted_reason, row.source) == (True, "a mistake", "teacher")
    assert row.deleted_by is not None
    assert row.deleted_by.school_number == TEACHER.school_number
    assert AttendanceEvent.objects.get(kind="record_replayed").new == "deleted"


def test_a_revision_ahead_of_the_lesson_beats_no_later_word(staff: Person) -> None:
    payload, _ = quarantined()
    at = str(instants.milliseconds(timezone.now()))
    raw = sealed_record(
        payload.lesson_id,
        NUMBER,
        b'{"school_number":"S-0002","full_name":"Student 0002","source":"student"}',
        parts=["999", at, at, "present", "", "kept"],
    )
    QuarantinedPayload.objects.update(payload=raw)

    quarantine.retry_payload(payload.pk, actor=staff)

    assert row_of().revision == Attendance.objects.get().revision < 999


@pytest.mark.parametrize("verdict", [Verdict.LATE, Verdict.DELETE])
def test_a_word_of_a_teacher_is_shown_and_stands(verdict: Verdict, staff: Person) -> None:
    payload, _original = quarantined()
    correct(payload.lesson_id)
    if verdict is Verdict.DELETE:
        correct(payload.lesson_id, verdict=verdict, reason="was never here")

    with pytest.raises(RecordExists) as caught:
        quarantine.retry_payload(payload.pk, actor=staff)

    assert caught.value.context["record"]["source"] == "teacher"
    row = row_of()
    assert (row.source, row.is_deleted) == ("teacher", verdict is Verdict.DELETE)
    payload.refresh_from_db()
    assert payload.state == "open"


def test_the_original_is_put_in_the_place_of_a_word_by_choice(staff: Person) -> None:
    payload, original = quarantined()
    seen = correct(payload.lesson_id).revision

    quarantine.replace_with_payload(
        payload.pk, corrected=copy_of(payload), actor=staff, seen_revision=seen
    )

    row = row_of()
    assert (row.status, row.source, row.previous) == ("present", SOURCE, "late")
    assert row.checked_in_at == original.checked_in_at
    # Chosen now: at its own revision, the word that it has replaced would be newer.
    assert row.revision == Attendance.objects.get().revision == seen + 1
    event = AttendanceEvent.objects.get(kind="record_replayed")
    assert (event.old, event.new) == ("late", "present")


def test_a_choice_that_was_made_of_an_older_record_is_asked_again(staff: Person) -> None:
    payload, _ = quarantined()
    seen = correct(payload.lesson_id).revision
    correct(payload.lesson_id, verdict=Verdict.EXCUSE, reason="a letter")

    with pytest.raises(Conflict):
        quarantine.replace_with_payload(
            payload.pk, corrected=copy_of(payload), actor=staff, seen_revision=seen
        )
    assert row_of().status == "excused"


def test_a_mark_of_the_system_yields(staff: Person) -> None:
    payload, original = quarantined()
    person = UserFactory.create(school_number=NUMBER, full_name="As on the roster")
    attendance = Attendance.objects.get()
    AttendanceRecord.objects.create(
        attendance=attendance,
        student=person,
        school_number=NUMBER,
        full_name="As on the roster",
        status="absent",
        source="system",
        revision=0,
        changed_at=timezone.now(),
    )

    quarantine.retry_payload(payload.pk, actor=staff)

    row = row_of()
    assert (row.status, row.source, row.full_name) == ("present", SOURCE, "Student 0002")
    assert (row.revision, row.checked_in_at) == (original.revision, original.checked_in_at)


def test_a_record_replayed_twice_is_there_once(staff: Person) -> None:
    payload, _ = quarantined()
    again = QuarantinedPayloadFactory.create(
        lesson_id=payload.lesson_id, field=NUMBER, payload=bytes(payload.payload), sha256="0"
    )
    quarantine.retry_payload(payload.pk, actor=staff)
    with pytest.raises(AlreadySettled):
        quarantine.retry_payload(payload.pk, actor=staff)

    # The same record from another place of quarantine: it is there.
    quarantine.retry_payload(again.pk, actor=staff)

    assert AttendanceEvent.objects.filter(kind="record_replayed").count() == 1
    assert not QuarantinedPayload.objects.filter(state="open").exists()


@pytest.mark.parametrize("place", ["stored", "live"])
def test_two_people_at_once_replay_it_once(place: str, staff: Person) -> None:
    """Each reads another number in the same damaged bytes."""
    lesson_id = live_lesson(2).id if place == "live" else quarantined()[0].lesson_id
    payload = QuarantinedPayloadFactory.create(lesson_id=lesson_id, field="?", payload=b"garbage")
    meeting = threading.Barrier(2)

    def act(number: str) -> str:
        try:
            meeting.wait(30)
            copy = CorrectedCopy(number, f"Student {number}", "late", "read")
            quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)
        except AlreadySettled:
            return "settled"
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(act, ["S-0008", "S-0009"]))

    assert told == ["done", "settled"]
    register = find_register(payload.lesson_id)
    assert [record.source for record in register.records].count("staff") == 1


def test_a_student_with_another_number_is_the_same_student(staff: Person) -> None:
    payload, _ = quarantined()
    person = UserFactory.create(school_number=NUMBER)
    person.school_number = "N-2"
    person.save()

    quarantine.retry_payload(payload.pk, actor=staff)

    row = row_of()
    assert (row.student_id, row.student.school_number) == (person.pk, "N-2")
    found = find_record(payload.lesson_id, "N-2")
    assert found is not None
    assert found.source == SOURCE


@pytest.mark.parametrize("way", ["shown", "chosen"])
def test_a_record_of_another_account_of_the_person_is_in_the_way(way: str, staff: Person) -> None:
    payload, _ = quarantined()
    merge(UserFactory.create(school_number=NUMBER), UserFactory.create(school_number="N-2"))
    seen = correct(payload.lesson_id, "N-2", full_name="Student of two accounts").revision
    with pytest.raises(RecordExists) as caught:
        quarantine.retry_payload(payload.pk, actor=staff)
    assert caught.value.context["record"]["school_number"] == "N-2"
    if way == "shown":
        return

    quarantine.replace_with_payload(
        payload.pk, corrected=copy_of(payload), actor=staff, seen_revision=seen
    )

    # In the very place of the one that was seen: beside it, the other one would count.
    register = find_register(payload.lesson_id)
    (record,) = [x for x in register.records if x.school_number in {"N-2", NUMBER}]
    assert (record.status, record.source) == ("present", SOURCE)


def test_a_live_lesson_takes_the_original_at_a_revision_of_its_own(staff: Person) -> None:
    lesson = live_lesson(2)
    original, raw = decoded(lesson.id), raw_of(lesson.id)
    put_record(lesson.id, NUMBER, b"garbage")
    payload = QuarantinedPayloadFactory.create(lesson_id=lesson.id, field=NUMBER, payload=raw)

    quarantine.retry_payload(payload.pk, actor=staff)

    found = decoded(lesson.id)
    assert (found.status, found.source) == (original.status, SOURCE)
    assert found.checked_in_at == original.checked_in_at
    assert found.revision == store.read_lesson(lesson.id).revision > original.revision
    end(lesson.id)
    unified_persistence_task()
    assert (row_of().source, row_of().checked_in_at) == (SOURCE, original.checked_in_at)
    assert AttendanceEvent.objects.filter(kind="record_replayed").count() == 1


def test_a_mark_that_came_meanwhile_is_shown(staff: Person) -> None:
    lesson = live_lesson(2)
    payload = QuarantinedPayloadFactory.create(
        lesson_id=lesson.id, field=NUMBER, payload=b"garbage"
    )

    copy = CorrectedCopy(NUMBER, "Student 0002", "late", "read")
    with pytest.raises(RecordExists):
        quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)
    assert decoded(lesson.id).status == "present"


def test_a_row_of_an_older_copy_is_shown_beside_what_is_stored(staff: Person) -> None:
    """An unreadable row of a copy that came back: PostgreSQL has the record."""
    lesson = live_lesson(2)
    dumped = redis_state()
    end(lesson.id)
    unified_persistence_task()
    correct(lesson.id)
    put_back(dumped)
    client.connection().hset(keys.records(lesson.id), NUMBER, b"garbage")
    end(lesson.id)
    unified_persistence_task()
    assert LessonLedger.objects.get().last_error.startswith("rewound")
    payload = QuarantinedPayload.objects.get(kind="record")

    copy = CorrectedCopy(NUMBER, "Student 0002", "present", "read")
    with pytest.raises(RecordExists) as caught:
        quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)

    assert caught.value.context["record"]["status"] == "late"
    # PostgreSQL has the lesson, whatever Redis holds: the choice is made there.
    quarantine.replace_with_payload(
        payload.pk,
        corrected=copy,
        actor=staff,
        seen_revision=caught.value.context["record"]["revision"],
    )
    assert (row_of().status, row_of().source) == ("present", "staff")


def test_a_lesson_that_is_nowhere_takes_nothing_until_receipts_have_made_it(
    staff: Person,
) -> None:
    lesson = live_lesson(1)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    check_in(lesson.id, student=student(2))
    original, raw = decoded(lesson.id), raw_of(lesson.id)
    payload = QuarantinedPayloadFactory.create(lesson_id=lesson.id, field=NUMBER, payload=raw)
    unified_persistence_task()
    forget_everything()
    with pytest.raises(LessonNotFound):
        quarantine.retry_payload(payload.pk, actor=staff)
    payload.refresh_from_db()
    assert payload.state == "open"
    receipts.redeem(receipt, caller=student(1))
    before = Attendance.objects.get().revision

    quarantine.retry_payload(payload.pk, actor=staff)

    row = row_of()
    assert (row.source, row.revision) == (SOURCE, original.revision)
    assert Attendance.objects.get().revision == before + 1 > 1_000_000_000


def event_in_quarantine(
    damage: Callable[[bytes], bytes] = lambda raw: raw,
) -> tuple[QuarantinedPayload, bytes]:
    """A stored lesson whose correction of S-0002 came in without its event."""
    lesson = live_lesson(2)
    correct(lesson.id, request_id="of-the-teacher")
    # Were it the newest word, the lesson would lack it, and stay in Redis.
    correct(lesson.id, "S-0001", verdict=Verdict.EXCUSE, reason="a letter")
    name = keys.events(lesson.id)
    raw: Any = client.connection().lindex(name, 0)
    client.connection().lset(name, 0, "garbage")
    end(lesson.id)
    unified_persistence_task()
    QuarantinedPayload.objects.filter(kind="event").update(payload=damage(raw))
    return QuarantinedPayload.objects.get(), raw


def test_an_event_is_taken_into_the_history_once(staff: Person) -> None:
    payload, raw = event_in_quarantine()
    again = QuarantinedPayloadFactory.create(
        lesson_id=payload.lesson_id, kind="event", field="5", payload=raw, sha256="0"
    )
    before = Attendance.objects.get().revision

    quarantine.retry_payload(payload.pk, actor=staff)
    quarantine.retry_payload(again.pk, actor=staff)

    event = AttendanceEvent.objects.get(request_id="of-the-teacher")
    assert (event.kind, event.new, event.reason) == ("record_corrected", "late", "tram")
    assert event.actor.school_number == TEACHER.school_number
    # Its own place is free; the lesson goes on, so that whoever follows it looks again.
    assert event.revision < before
    assert Attendance.objects.get().revision == before + 1
    assert not QuarantinedPayload.objects.filter(state="open").exists()
    assert QuarantinedPayload.objects.get(pk=payload.pk).settled_by is not None
    # The mark is what the word has made it, and was not touched.
    assert row_of().status == "late"


def test_an_event_of_an_older_copy_gets_a_place_behind_the_others(staff: Person) -> None:
    lesson = live_lesson(2)
    end(lesson.id)
    unified_persistence_task()
    correct(lesson.id)
    taken = AttendanceEvent.objects.order_by("revision").last()
    assert taken is not None
    raw = event_bytes(lesson.id, taken.revision, "of-the-copy")
    payload = QuarantinedPayloadFactory.create(lesson_id=lesson.id, kind="event", payload=raw)

    quarantine.retry_payload(payload.pk, actor=staff)

    event = AttendanceEvent.objects.get(request_id="of-the-copy")
    assert event.revision == taken.revision + 1 == Attendance.objects.get().revision


def event_bytes(lesson_id: Any, revision: int, request_id: str) -> bytes:
    json = (
        b'{"kind":"record_corrected","source":"teacher","reason":"bus",'
        b'"actor":{"school_number":"T-1","full_name":"A"},'
        b'"student":{"school_number":"S-0002","full_name":"B"}}'
    )
    at = instants.milliseconds(timezone.now())
    stamp = f"{revision},{at},{request_id},{'a' * 32},present,late"
    return envelope.seal(lesson_id, "event", str(revision), stamp, json)


def test_an_event_under_the_request_of_another_is_set_aside_with_a_reason(staff: Person) -> None:
    payload, raw = event_in_quarantine()
    quarantine.retry_payload(payload.pk, actor=staff)
    other = QuarantinedPayloadFactory.create(
        lesson_id=payload.lesson_id,
        kind="event",
        payload=event_bytes(payload.lesson_id, 3, "of-the-teacher"),
    )
    assert raw

    with pytest.raises(RequestIdReused):
        quarantine.retry_payload(other.pk, actor=staff)
    quarantine.discard_payload(other.pk, actor=staff, reason="its request is there")

    other.refresh_from_db()
    assert (other.state, other.settled_reason) == ("discarded", "its request is there")


def test_an_event_that_cannot_be_read_stays_until_it_is_set_aside(staff: Person) -> None:
    payload, _ = event_in_quarantine(lambda raw: raw[:-3])
    with pytest.raises(StillUnreadable):
        quarantine.retry_payload(payload.pk, actor=staff)
    payload.refresh_from_db()
    assert payload.state == "open"
    assert not AttendanceEvent.objects.filter(request_id="of-the-teacher").exists()


def test_an_event_of_a_lesson_that_redis_holds_waits(staff: Person) -> None:
    lesson = live_lesson(2)
    raw = event_bytes(lesson.id, 2, "of-the-copy")
    payload = QuarantinedPayloadFactory.create(lesson_id=lesson.id, kind="event", payload=raw)
    with pytest.raises(Conflict):
        quarantine.retry_payload(payload.pk, actor=staff)
    end(lesson.id)
    unified_persistence_task()

    quarantine.retry_payload(payload.pk, actor=staff)

    assert AttendanceEvent.objects.filter(request_id="of-the-copy").count() == 1


def test_the_newest_word_of_a_lesson_that_stays_in_redis_is_taken_beside_it(staff: Person) -> None:
    lesson = live_lesson(2)
    correct(lesson.id, request_id="of-the-teacher")
    raw: Any = client.connection().lindex(keys.events(lesson.id), 0)
    client.connection().lset(keys.events(lesson.id), 0, "garbage")
    end(lesson.id)
    unified_persistence_task()
    QuarantinedPayload.objects.update(payload=raw)
    payload, before = QuarantinedPayload.objects.get(), Attendance.objects.get().revision
    assert LessonLedger.objects.get().incomplete_since is not None

    quarantine.retry_payload(payload.pk, actor=staff)

    # Raised, the lesson in Redis would look like an older copy.
    assert Attendance.objects.get().revision == before
    event = AttendanceEvent.objects.get(request_id="of-the-teacher")
    taken = event_bytes(lesson.id, event.revision, "of-the-copy")
    other = QuarantinedPayloadFactory.create(lesson_id=lesson.id, kind="event", payload=taken)
    with pytest.raises(Conflict):
        quarantine.retry_payload(other.pk, actor=staff)
    quarantine.discard_payload(other.pk, actor=staff, reason="a test")
    assert AttendanceEvent.objects.filter(request_id="of-the-teacher").count() == 1
    accept_what_is_there(lesson.id)
    unified_persistence_task()
    assert LessonLedger.objects.get().state == "discarded"
    assert not QuarantinedPayload.objects.filter(state="open").exists()


def test_an_event_of_a_lesson_that_is_nowhere_waits(staff: Person) -> None:
    payload = QuarantinedPayloadFactory.create(kind="event")
    QuarantinedPayload.objects.update(payload=event_bytes(payload.lesson_id, 2, "x"))
    with pytest.raises(LessonNotFound):
        quarantine.retry_payload(payload.pk, actor=staff)


def test_two_people_at_once_take_an_event_once(staff: Person) -> None:
    payload, _ = event_in_quarantine()
    meeting = threading.Barrier(2)

    def act(_: int) -> str:
        try:
            meeting.wait(30)
            quarantine.retry_payload(payload.pk, actor=staff)
        except AlreadySettled:
            return "settled"
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, range(2))) == ["done", "settled"]
    assert AttendanceEvent.objects.filter(request_id="of-the-teacher").count() == 1


def test_the_data_of_a_lesson_is_no_record(staff: Person) -> None:
    """Its lesson is retried as a whole; a copy of a record is not put in its place."""
    payload = QuarantinedPayloadFactory.create(kind="lesson", field="data")
    copy = CorrectedCopy(NUMBER, "Student 0002", "late", "read")
    with pytest.raises((LessonNotFound, InvalidInput)):
        quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)
    payload.refresh_from_db()
    assert payload.state == "open"


def test_only_staff_takes_an_event() -> None:
    payload, _ = event_in_quarantine()
    with pytest.raises(NotYourLesson):
        quarantine.retry_payload(payload.pk, actor=TEACHER)
