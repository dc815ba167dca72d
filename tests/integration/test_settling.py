"""Quarantine: retry, correct a copy and replay it, replace, set aside."""

from collections.abc import Callable
from typing import Any

import pytest

from attendance.errors import (
    AlreadySettled,
    Conflict,
    InvalidInput,
    NotYourLesson,
    ReasonRequired,
    RecordExists,
    StillUnreadable,
)
from attendance.live import client, keys
from attendance.models import AttendanceEvent, AttendanceRecord, QuarantinedPayload
from attendance.selectors.registers import find_record
from attendance.services import quarantine
from attendance.services.persistence import unified_persistence_task
from attendance.services.quarantine import payloads
from attendance.services.quarantine.records import CorrectedCopy
from tests.support.factories import QuarantinedPayloadFactory, UserFactory
from tests.support.lessons import TEACHER, end, ended_lesson, live_lesson, put_record, sealed_record
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

COPY = CorrectedCopy("S-0002", "Ada Two", "late", "typed from the bytes")


@pytest.fixture(autouse=True)
def staff_user(staff: Person) -> None:
    UserFactory(school_number=staff.school_number, full_name=staff.full_name, staff=True)


def quarantined(place: str = "stored") -> QuarantinedPayload:
    """A lesson of S-0001 and a damaged S-0002, live or stored, and the payload."""
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0002", b"garbage")
    if place == "stored":
        end(lesson.id)
        unified_persistence_task()
        return QuarantinedPayload.objects.get()
    return QuarantinedPayloadFactory.create(lesson_id=lesson.id, field="S-0002", payload=b"garbage")


@pytest.mark.parametrize("place", ["stored", "live"])
def test_a_corrected_copy_is_replayed_with_an_event(place: str, staff: Person) -> None:
    payload = quarantined(place)

    quarantine.replay_payload(payload.pk, corrected=COPY, actor=staff)

    found = find_record(payload.lesson_id, "S-0002")
    assert found is not None
    assert (found.status, found.source) == ("late", "staff")
    assert "typed from the bytes" in found.reason
    payload.refresh_from_db()
    assert (payload.state, bytes(payload.payload)) == ("replayed", b"garbage")
    assert "Ada Two" in payload.corrected
    assert payload.settled_by is not None
    if place == "stored":
        assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1


def test_a_record_that_is_there_is_shown_and_not_overwritten(staff: Person) -> None:
    payload = quarantined()
    copy = COPY._replace(school_number="S-0001")

    with pytest.raises(RecordExists) as caught:
        quarantine.replay_payload(payload.pk, corrected=copy, actor=staff)

    assert caught.value.context["record"]["status"] == "present"
    payload.refresh_from_db()
    assert payload.state == "open"
    revision = caught.value.context["record"]["revision"]
    with pytest.raises(Conflict):
        quarantine.replace_with_payload(
            payload.pk, corrected=copy, actor=staff, seen_revision=revision + 1
        )
    quarantine.replace_with_payload(payload.pk, corrected=copy, actor=staff, seen_revision=revision)
    assert AttendanceRecord.objects.get(student__school_number="S-0001").status == "late"


def dying_replay(
    payload: QuarantinedPayload, staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replay the copy, and die before the payload is settled."""

    def die(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(payloads, "_settle", die)
        with pytest.raises(KeyboardInterrupt):
            quarantine.replay_payload(payload.pk, corrected=COPY, actor=staff)


def test_a_replay_into_postgresql_that_died_has_left_nothing(
    staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = quarantined()

    dying_replay(payload, staff, monkeypatch)

    assert find_record(payload.lesson_id, "S-0002") is None
    quarantine.replay_payload(payload.pk, corrected=COPY, actor=staff)
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1


def test_a_replay_into_redis_that_died_before_it_was_settled_is_repeated_once(
    staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = quarantined("live")
    dying_replay(payload, staff, monkeypatch)

    seen = find_record(payload.lesson_id, "S-0002")
    assert seen is not None
    quarantine.replace_with_payload(
        payload.pk, corrected=COPY, actor=staff, seen_revision=seen.revision
    )
    end(payload.lesson_id)
    unified_persistence_task()
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1


def test_another_copy_after_a_replay_that_died_is_another_change(
    staff: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = quarantined("live")
    dying_replay(payload, staff, monkeypatch)

    seen = find_record(payload.lesson_id, "S-0002")
    assert seen is not None
    other = COPY._replace(status="excused")
    record = quarantine.replace_with_payload(
        payload.pk, corrected=other, actor=staff, seen_revision=seen.revision
    )
    assert record.status == "excused"


def test_retry_reads_the_same_bytes_again(staff: Person) -> None:
    payload = quarantined()
    with pytest.raises(StillUnreadable):
        quarantine.retry_payload(payload.pk, actor=staff)

    # As if a later release could read what this one could not.
    json = b'{"school_number":"S-0002","full_name":"Ada","source":"student"}'
    raw = sealed_record(payload.lesson_id, "S-0002", json)
    QuarantinedPayload.objects.filter(pk=payload.pk).update(payload=raw)
    quarantine.retry_payload(payload.pk, actor=staff)

    row = AttendanceRecord.objects.get(student__school_number="S-0002")
    assert (row.status, row.full_name, row.source) == ("present", "Ada", "student")
    assert row.checked_in_at is not None


def test_retrying_a_lesson_persists_it_once_it_is_repaired(staff: Person) -> None:
    lesson = ended_lesson(2)
    ends_at = client.connection().hget(keys.lesson(lesson.id), "ends_at") or b""
    client.connection().hset(keys.lesson(lesson.id), "ends_at", "1")
    unified_persistence_task()
    payload = QuarantinedPayload.objects.get()
    with pytest.raises(StillUnreadable):
        quarantine.retry_payload(payload.pk, actor=staff)

    client.connection().hset(keys.lesson(lesson.id), "ends_at", ends_at)
    quarantine.retry_payload(payload.pk, actor=staff)

    assert AttendanceRecord.objects.count() == 2
    payload.refresh_from_db()
    assert payload.state == "replayed"


def test_set_aside_needs_a_reason_and_keeps_the_bytes(staff: Person) -> None:
    payload = quarantined()
    with pytest.raises(ReasonRequired):
        quarantine.discard_payload(payload.pk, actor=staff, reason=" ")

    quarantine.discard_payload(payload.pk, actor=staff, reason="a test card")

    payload.refresh_from_db()
    assert (payload.state, payload.settled_reason) == ("discarded", "a test card")
    assert bytes(payload.payload) == b"garbage"


SETTLE: dict[str, Callable[[int, Person], object]] = {
    "retry": lambda pk, who: quarantine.retry_payload(pk, actor=who),
    "replay": lambda pk, who: quarantine.replay_payload(pk, corrected=COPY, actor=who),
    "discard": lambda pk, who: quarantine.discard_payload(pk, actor=who, reason="x"),
}


@pytest.mark.parametrize("verb", SETTLE)
def test_what_was_settled_is_settled_once(verb: str, staff: Person) -> None:
    payload = quarantined()
    quarantine.discard_payload(payload.pk, actor=staff, reason="x")

    with pytest.raises(AlreadySettled):
        SETTLE[verb](payload.pk, staff)


@pytest.mark.parametrize("verb", SETTLE)
def test_only_staff_settles(verb: str) -> None:
    payload = quarantined()

    with pytest.raises(NotYourLesson):
        SETTLE[verb](payload.pk, TEACHER)


@pytest.mark.parametrize("status", ["pending", "asleep", ""])
def test_a_status_that_nobody_decided_is_refused(status: str, staff: Person) -> None:
    payload = quarantined()

    with pytest.raises(InvalidInput):
        quarantine.replay_payload(payload.pk, corrected=COPY._replace(status=status), actor=staff)
