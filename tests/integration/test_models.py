"""Every rule of the register is kept by the database, under its name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import factory
import pytest
from django.core.management import call_command
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from tests.support import factories
from tests.support.course_factories import AbsenceFactory, PolicyFactory, SectionFactory
from tests.support.factories import (
    AlarmAcknowledgementFactory,
    AlarmEpisodeFactory,
    AttendanceEventFactory,
    AttendanceFactory,
    AttendanceRecordFactory,
    LessonLedgerFactory,
    PersistenceRunFactory,
    QuarantinedPayloadFactory,
    RefusedCheckInFactory,
)

pytestmark = pytest.mark.django_db

NOW = timezone.now()
FAR = datetime(2101, 1, 1, tzinfo=UTC)
SECTION = factory.SubFactory(SectionFactory)
POLICY = factory.SubFactory(PolicyFactory)
ABSENCE = factory.SubFactory(AbsenceFactory)
BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    (
        "attendance_ends_not_before_it_starts",
        "AttendanceFactory",
        {"ends_at": NOW - timedelta(days=2)},
    ),
    ("attendance_instants_are_sane", "AttendanceFactory", {"ends_at": FAR}),
    ("attendance_revision_counts_up", "AttendanceFactory", {"revision": -1}),
    ("attendance_has_a_name", "AttendanceFactory", {"lesson_name": ""}),
    ("attendance_deletion_is_explained", "AttendanceFactory", {"deleted_at": NOW}),
    ("attendance_of_section_has_its_day", "AttendanceFactory", {"section": SECTION}),
    ("attendance_with_policy_has_section", "AttendanceFactory", {"policy": POLICY}),
    ("attendance_roster_is_of_a_section", "AttendanceFactory", {"roster_closed_at": NOW}),
    ("attendance_not_held_is_explained", "AttendanceFactory", {"not_held_at": NOW}),
    (
        "attendance_record_of_the_system_is_of_nobody_who_came",
        "AttendanceRecordFactory",
        {"source": "system"},
    ),
    ("attendance_record_excused_by_an_absence", "AttendanceRecordFactory", {"absence": ABSENCE}),
    ("site_disagreement_has_its_instant", "KnownSiteFactory", {"disagreement": "older"}),
    ("attendance_record_status_is_known", "AttendanceRecordFactory", {"status": "asleep"}),
    ("attendance_record_source_is_known", "AttendanceRecordFactory", {"source": "rumour"}),
    ("attendance_record_instants_are_sane", "AttendanceRecordFactory", {"checked_in_at": FAR}),
    ("attendance_record_revision_counts_up", "AttendanceRecordFactory", {"revision": -1}),
    ("attendance_record_deletion_is_explained", "AttendanceRecordFactory", {"deleted_at": NOW}),
    ("attendance_record_has_a_name", "AttendanceRecordFactory", {"full_name": ""}),
    (
        "attendance_record_number_is_canonical",
        "AttendanceRecordFactory",
        {"school_number": "s-0001"},
    ),
    ("attendance_event_kind_is_known", "AttendanceEventFactory", {"kind": "rumour"}),
    ("attendance_event_source_is_known", "AttendanceEventFactory", {"source": "rumour"}),
    ("attendance_event_instant_is_sane", "AttendanceEventFactory", {"happened_at": FAR}),
    ("refused_check_in_code_is_known", "RefusedCheckInFactory", {"code": "rumour"}),
    ("refused_check_in_instants_are_sane", "RefusedCheckInFactory", {"last_at": FAR}),
    ("lesson_ledger_state_is_known", "LessonLedgerFactory", {"state": "gone"}),
    ("lesson_ledger_discarded_was_persisted", "LessonLedgerFactory", {"discarded_at": NOW}),
    ("lesson_ledger_settled_is_explained", "LessonLedgerFactory", {"settled_at": NOW}),
    ("alarm_episode_has_a_code", "AlarmEpisodeFactory", {"code": ""}),
    (
        "alarm_episode_ends_not_before_it_begins",
        "AlarmEpisodeFactory",
        {"ended_at": NOW - timedelta(days=2)},
    ),
    ("alarm_episode_instants_are_sane", "AlarmEpisodeFactory", {"ended_at": FAR}),
    ("alarm_acknowledgement_is_explained", "AlarmAcknowledgementFactory", {"reason": ""}),
    (
        "alarm_acknowledgement_instant_is_sane",
        "AlarmAcknowledgementFactory",
        {"acknowledged_at": FAR},
    ),
    ("persistence_run_trigger_is_known", "PersistenceRunFactory", {"trigger": "ghost"}),
    ("persistence_run_sums_agree", "PersistenceRunFactory", {"read": 1}),
    ("quarantined_payload_kind_is_known", "QuarantinedPayloadFactory", {"kind": "x"}),
    (
        "quarantined_payload_state_is_known",
        "QuarantinedPayloadFactory",
        {"state": "x", "settled": True},
    ),
    (
        "quarantined_payload_settled_by_somebody",
        "QuarantinedPayloadFactory",
        {"state": "discarded"},
    ),
]


@pytest.mark.parametrize(("rule", "made_by", "changes"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_row_that_breaks_a_rule_is_refused(
    rule: str, made_by: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=rule):
        getattr(factories, made_by)(**changes)


def test_every_rule_is_tested() -> None:
    unique = {
        "attendance_record_once_per_student",
        "attendance_record_once_per_number",
        "site_is_one_database",
        "attendance_event_once_per_revision",
        "attendance_event_once_per_request",
        "quarantined_payload_kept_once",
        "refused_check_in_once_per_student_and_code",
        "alarm_episode_open_once",
    }
    from django.apps import apps

    rules = {
        rule.name
        for model in apps.get_app_config("attendance").get_models()
        for rule in model._meta.constraints
    }
    assert rules == unique | {row[0] for row in BROKEN}


def test_a_student_has_one_record_in_an_attendance() -> None:
    first = AttendanceRecordFactory()
    with pytest.raises(IntegrityError, match="attendance_record_once_per_student"):
        AttendanceRecordFactory(attendance=first.attendance, student=first.student)


def test_an_event_stands_once_for_its_revision_and_its_request() -> None:
    first = AttendanceEventFactory()
    same = {"attendance": first.attendance, "actor": first.actor}
    with (
        pytest.raises(IntegrityError, match="attendance_event_once_per_revision"),
        transaction.atomic(),
    ):
        AttendanceEventFactory(revision=first.revision, **same)
    with pytest.raises(IntegrityError, match="attendance_event_once_per_request"):
        AttendanceEventFactory(request_id=first.request_id, **same)


def test_a_payload_is_kept_once() -> None:
    first = QuarantinedPayloadFactory()
    with pytest.raises(IntegrityError, match="quarantined_payload_kept_once"):
        QuarantinedPayloadFactory(lesson_id=first.lesson_id, sha256=first.sha256)


def test_a_refusal_is_counted_in_one_row() -> None:
    first = RefusedCheckInFactory()
    with pytest.raises(IntegrityError, match="refused_check_in_once_per_student_and_code"):
        RefusedCheckInFactory(attendance=first.attendance, school_number=first.school_number)


def test_an_alarm_is_open_once() -> None:
    first = AlarmEpisodeFactory()
    AlarmEpisodeFactory(code=first.code, ended_at=timezone.now() + timedelta(minutes=1))
    with pytest.raises(IntegrityError, match="alarm_episode_open_once"):
        AlarmEpisodeFactory(code=first.code)


@pytest.mark.parametrize("made_by", [AttendanceEventFactory, AlarmAcknowledgementFactory])
def test_a_word_is_neither_changed_nor_deleted(made_by: Any) -> None:
    row: Any = made_by()
    for change in (row.save, row.delete):
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
        ):
            change()


def test_what_is_pointed_to_is_not_deleted() -> None:
    record: Any = AttendanceRecordFactory()
    for row in (record.attendance, record.student, record.attendance.teacher):
        with pytest.raises(models.ProtectedError):
            row.delete()


def test_rows_say_what_they_are() -> None:
    rows = [
        AttendanceFactory(lesson_name="Physics"),
        AttendanceRecordFactory(full_name="Ada"),
        AttendanceEventFactory(),
        LessonLedgerFactory(lesson_name="Physics"),
        AlarmEpisodeFactory(),
        AlarmAcknowledgementFactory(),
        PersistenceRunFactory(),
        QuarantinedPayloadFactory(),
        RefusedCheckInFactory(),
    ]
    assert all(str(row) for row in rows)


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", "-v", "0")
