"""Every rule of courses is kept by the database, under its name."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from courses.models import Enrolment
from courses.vocabulary import MOST_EVIDENCE_BYTES, MOST_UPLOADED_BYTES, EnrolmentRole
from tests.support import course_factories as factories
from tests.support.course_factories import (
    IN_TERM,
    TERM_STARTS,
    AbsenceEvidenceFactory,
    AbsenceFactory,
    EnrolmentFactory,
    PolicyFactory,
    SectionFactory,
    SourceSystemFactory,
)

pytestmark = pytest.mark.django_db

EARLY, LATE_DAY = date(1999, 12, 31), date(2100, 1, 2)
FAR = datetime(2101, 1, 1, tzinfo=UTC)
BACKWARDS = {"ends_on": TERM_STARTS - timedelta(days=1)}
BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("source_system_has_code_and_name", "SourceSystemFactory", {"code": "x", "name": ""}),
    ("source_system_kind_is_known", "SourceSystemFactory", {"code": "x", "kind": "paper"}),
    ("term_has_a_title", "TermFactory", {"title": ""}),
    ("term_ends_after_it_starts", "TermFactory", {"ends_on": TERM_STARTS}),
    ("term_days_are_sane", "TermFactory", {"starts_on": EARLY}),
    ("course_has_code_and_title", "CourseFactory", {"title": ""}),
    ("section_has_a_title", "SectionFactory", {"title": ""}),
    ("section_time_zone_is_a_name", "SectionFactory", {"time_zone": ""}),
    ("section_time_zone_is_a_name", "SectionFactory", {"time_zone": "../etc/passwd"}),
    ("section_component_is_known", "SectionFactory", {"component": "seminar"}),
    ("section_walk_ins_are_known", "SectionFactory", {"walk_ins": "shout"}),
    ("section_ends_after_it_starts", "SectionFactory", {"ends_on": TERM_STARTS}),
    ("section_days_are_sane", "SectionFactory", {"ends_on": LATE_DAY}),
    ("section_archived_at_is_sane", "SectionFactory", {"archived_at": FAR}),
    ("enrolment_role_is_known", "EnrolmentFactory", {"role": "guest"}),
    ("enrolment_ends_not_before_it_begins", "EnrolmentFactory", BACKWARDS),
    ("enrolment_days_are_sane", "EnrolmentFactory", {"begins_on": EARLY}),
    ("enrolment_in_charge_is_a_teacher", "EnrolmentFactory", {"is_primary": True}),
    ("absence_reason_has_code_and_label", "AbsenceReasonFactory", {"label": ""}),
    ("absence_reason_effect_is_known", "AbsenceReasonFactory", {"effect": "halves"}),
    ("absence_reason_asker_is_known", "AbsenceReasonFactory", {"who_may_ask": "all"}),
    ("absence_state_is_known", "AbsenceFactory", {"state": "forgotten"}),
    ("absence_ends_after_it_starts", "AbsenceFactory", {"ends_at": IN_TERM}),
    (
        "absence_is_not_too_long",
        "AbsenceFactory",
        {"ends_at": IN_TERM + timedelta(days=366, seconds=1)},
    ),
    ("absence_instants_are_sane", "AbsenceFactory", {"requested_at": FAR}),
    ("absence_is_decided_by_somebody", "AbsenceFactory", {"state": "approved"}),
    ("absence_is_decided_by_somebody", "AbsenceFactory", {"decided_why": "because"}),
    ("absence_refusal_is_explained", "AbsenceFactory", {"approved": True, "state": "refused"}),
    ("absence_is_withdrawn_by_somebody", "AbsenceFactory", {"state": "withdrawn"}),
    ("absence_is_withdrawn_by_somebody", "AbsenceFactory", {"withdrawn_at": IN_TERM}),
    ("absence_evidence_is_named", "AbsenceEvidenceFactory", {"file": ""}),
    ("absence_evidence_kind_is_known", "AbsenceEvidenceFactory", {"kind": "zip"}),
    ("absence_evidence_is_not_too_large", "AbsenceEvidenceFactory", {"size": 0}),
    (
        "absence_evidence_is_not_too_large",
        "AbsenceEvidenceFactory",
        {"size": MOST_EVIDENCE_BYTES + 1},
    ),
    ("absence_evidence_instant_is_sane", "AbsenceEvidenceFactory", {"added_at": FAR}),
    ("absence_evidence_instant_is_sane", "AbsenceEvidenceFactory", {"removed_at": FAR}),
    ("absence_evidence_days_are_sane", "AbsenceEvidenceFactory", {"kept_until": LATE_DAY}),
    ("closure_has_a_title", "ClosureFactory", {"title": ""}),
    ("closure_ends_after_it_starts", "ClosureFactory", {"ends_on": date(2026, 10, 28)}),
    ("closure_days_are_sane", "ClosureFactory", {"starts_on": EARLY}),
    ("closure_is_reopened_by_somebody", "ClosureFactory", {"reopened_at": IN_TERM}),
    ("closure_reopened_at_is_sane", "ClosureFactory", {"reopened": True, "reopened_at": FAR}),
    ("policy_version_counts_up", "PolicyFactory", {"version": 0}),
    ("policy_counted_is_known", "PolicyFactory", {"counted": "weeks"}),
    ("policy_basis_is_known", "PolicyFactory", {"basis": "hope"}),
    ("policy_excused_is_known", "PolicyFactory", {"excused_as": "present"}),
    ("policy_best_knows_what_is_planned", "PolicyFactory", {"basis": "best"}),
    ("policy_plans_and_documents_something", "PolicyFactory", {"document_days": 0}),
    (
        "policy_absent_not_before_late",
        "PolicyFactory",
        {"late_after_s": 600, "absent_after_s": 599},
    ),
    ("policy_seconds_are_within_a_day", "PolicyFactory", {"opens_before_s": 86_401}),
    ("policy_shares_are_of_a_whole", "PolicyFactory", {"threshold_permille": 1001}),
    ("policy_warns_after_something", "PolicyFactory", {"in_a_row": 0}),
    ("policy_set_at_is_sane", "PolicyFactory", {"set_at": FAR}),
    (
        "roster_upload_is_bounded",
        "RosterUploadFactory",
        {"content": bytes(MOST_UPLOADED_BYTES + 1)},
    ),
    ("roster_upload_made_at_is_sane", "RosterUploadFactory", {"made_at": FAR}),
]
TWICE: list[tuple[str, str, dict[str, Any]]] = [
    ("course_code_once", "CourseFactory", {"code": "PHY"}),
    ("section_sourced_once", "SectionFactory", {"sourced_id": "a"}),
    (
        "enrolment_sourced_once",
        "EnrolmentFactory",
        {"sourced_id": "a", "role": EnrolmentRole.OBSERVER},
    ),
    ("absence_reason_code_once", "AbsenceReasonFactory", {"code": "ill"}),
]


@pytest.mark.parametrize(("rule", "made_by", "changes"), BROKEN)
def test_a_row_that_breaks_a_rule_is_refused(
    rule: str, made_by: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=rule):
        getattr(factories, made_by)(**changes)


@pytest.mark.parametrize(("rule", "made_by", "same"), TWICE)
def test_what_is_there_once_is_not_there_twice(
    rule: str, made_by: str, same: dict[str, Any]
) -> None:
    getattr(factories, made_by)(**same)
    with pytest.raises(IntegrityError, match=rule):
        getattr(factories, made_by)(**same)


def test_every_rule_is_tested() -> None:
    elsewhere = {
        "source_system_code_once",
        "section_is_not_its_own_parent",
        "enrolment_of_a_student_never_overlaps",
        "policy_version_once",
        "roster_upload_once_per_person",
        "policy_is_of_one_section",
        "absence_asked_for_once",
    }
    rules = {
        rule.name
        for model in apps.get_app_config("courses").get_models()
        for rule in model._meta.constraints
    }
    tested = {row[0] for row in (*BROKEN, *TWICE)}
    assert rules == elsewhere | tested


def test_bounds_belong_to_what_is_allowed() -> None:
    AbsenceFactory(ends_at=IN_TERM + timedelta(days=366))
    AbsenceEvidenceFactory(size=MOST_EVIDENCE_BYTES)
    PolicyFactory(late_after_s=600, absent_after_s=600)
    PolicyFactory(absent_after_s=0, threshold_permille=1000)
    EnrolmentFactory(ends_on=TERM_STARTS)


def test_a_code_names_one_system() -> None:
    system: Any = SourceSystemFactory()
    system.pk = None
    with pytest.raises(IntegrityError, match="source_system_code_once"):
        system.save()


def test_a_section_is_not_its_own_lecture() -> None:
    section: Any = SectionFactory()
    section.parent = section
    with pytest.raises(IntegrityError, match="section_is_not_its_own_parent"):
        section.save()


def test_a_student_is_enrolled_once_on_a_day() -> None:
    first = EnrolmentFactory(ends_on=date(2026, 10, 1))
    same = {"section": first.section, "user": first.user}
    # The last day is exclusive, and a row of no day is in nobody's way.
    EnrolmentFactory(**same, begins_on=date(2026, 10, 1), ends_on=date(2026, 11, 1))
    EnrolmentFactory(**same, begins_on=date(2026, 9, 20), ends_on=date(2026, 9, 20))
    EnrolmentFactory(**same, begins_on=date(2026, 9, 20), role=EnrolmentRole.ASSISTANT)
    EnrolmentFactory(section=first.section)
    EnrolmentFactory(user=first.user)
    for begins_on, ends_on in (
        (date(2026, 9, 30), date(2026, 10, 1)),
        (date(2026, 10, 31), None),
        (date(2026, 9, 1), date(2027, 1, 1)),
    ):
        with (
            pytest.raises(IntegrityError, match="enrolment_of_a_student_never_overlaps"),
            transaction.atomic(),
        ):
            EnrolmentFactory(**same, begins_on=begins_on, ends_on=ends_on)
    assert Enrolment.objects.filter(**same, role=EnrolmentRole.STUDENT).count() == 3


def test_the_exclusion_needs_no_extension() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        assert "btree_gist" not in {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s",
            ["enrolment_of_a_student_never_overlaps"],
        )
        (text,) = cursor.fetchone()
    assert text.startswith("EXCLUDE USING gist (int8range(section_id, section_id, '[]'")
    assert "WHERE (((role)::text = 'student'::text))" in text


def test_a_version_of_a_policy_stays_as_it_is() -> None:
    policy: Any = PolicyFactory()
    for change in (policy.save, policy.delete):
        with pytest.raises(IntegrityError, match="stay as they are"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="policy_version_once"):
        PolicyFactory(section=policy.section)


def test_a_section_has_a_policy_of_its_own() -> None:
    section: Any = SectionFactory()
    section.policy = PolicyFactory(section=section)
    section.save()
    connection.check_constraints()
    section.policy = PolicyFactory()
    with (
        pytest.raises(IntegrityError, match="section_policy_is_its_own"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        section.save()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_whoever_uploads_again_replaces_their_roster() -> None:
    row: Any = factories.RosterUploadFactory(content=bytes(MOST_UPLOADED_BYTES))
    row.pk = None
    with pytest.raises(IntegrityError, match="roster_upload_once_per_person"):
        row.save()


def test_what_is_pointed_to_is_not_deleted() -> None:
    row: Any = EnrolmentFactory()
    for other in (row.section, row.user, row.system, row.section.term, row.section.course):
        with pytest.raises(models.ProtectedError):
            other.delete()


def test_rows_say_what_they_are() -> None:
    section: Any = SectionFactory(code="01", title="Physics")
    assert str(section) == "01 Physics"
    assert not section.is_archived
    rows = [
        section.system,
        section.term,
        section.course,
        EnrolmentFactory(section=section),
        AbsenceFactory(),
        AbsenceEvidenceFactory(),
        factories.ClosureFactory(),
        PolicyFactory(section=section),
        factories.RosterUploadFactory(section=section),
    ]
    for row in rows:
        assert str(row)
        assert "object (" not in str(row)
