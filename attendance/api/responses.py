"""What the API answers: one shape for a thing, wherever it lives."""

import base64
from typing import Any

from rest_framework import serializers

from attendance.api.parsing import Instant
from attendance.selectors.alarms import Severity
from attendance.vocabulary import (
    Check,
    EventKind,
    LessonState,
    PayloadKind,
    PayloadState,
    Refusal,
    Source,
    Status,
    Trigger,
)
from courses.vocabulary import Basis, Component, Counted, EnrolmentRole, ExcusedAs, WalkIns
from users.identity import Role
from users.models import MergeKind


class PersonShapeSerializer(serializers.Serializer[Any]):
    school_number = serializers.CharField()
    full_name = serializers.CharField()


class MeSerializer(PersonShapeSerializer):
    role = serializers.ChoiceField([role.value for role in Role])


class PersonMergeSerializer(serializers.Serializer[Any]):
    """One line of the log of merges: `duplicate` is merged into `into`, or not any more."""

    kind = serializers.ChoiceField(MergeKind.values)
    duplicate = PersonShapeSerializer()
    into = PersonShapeSerializer()
    reason = serializers.CharField()
    actor = PersonShapeSerializer(source="as_actor")
    happened_at = Instant()


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once: send it as Authorization: Token …")
    expires_at = Instant()


class OwnTokenSerializer(serializers.Serializer[Any]):
    """What its owner may know of a token; the token itself was shown once."""

    id = serializers.CharField(help_text="Ends it; it opens nothing.")
    begins_with = serializers.CharField(help_text="The first characters of the token.")
    is_current = serializers.BooleanField(help_text="Whether this request was sent with it.")
    made_at = Instant()
    expires_at = Instant(allow_null=True)
    used_at = Instant(
        allow_null=True, help_text="The beginning of the last hour of use; null: not known."
    )
    has_factor = serializers.BooleanField(help_text="Whether a second factor was shown for it.")


class CountsSerializer(serializers.Serializer[Any]):
    """Records by status."""

    def get_fields(self) -> dict[str, Any]:
        return {status: serializers.IntegerField() for status in Status.values}

    def to_representation(self, instance: Any) -> dict[str, int]:
        return {status: instance.get(status, 0) for status in Status.values}


class LessonBriefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    lesson_name = serializers.CharField()
    teacher = PersonShapeSerializer()
    starts_at = Instant()
    ends_at = Instant()


class RuleSerializer(serializers.Serializer[Any]):
    """Seconds from the start; null where there is no such rule."""

    opens_before_s = serializers.IntegerField()
    late_after_s = serializers.IntegerField(allow_null=True)
    absent_after_s = serializers.IntegerField(allow_null=True)


class SectionOfLessonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    code = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    held_on = serializers.DateField(help_text="The day of the lesson where it is taught.")


class LessonCountsSerializer(CountsSerializer):
    """Records by status, and of a lesson with a course who was expected and did not come."""

    def get_fields(self) -> dict[str, Any]:
        whole = {
            name: serializers.IntegerField(allow_null=True) for name in ("expected", "missing")
        }
        return super().get_fields() | whole

    def to_representation(self, instance: Any) -> dict[str, int]:
        statuses: dict[str, Any] = super().to_representation(instance.counts)
        return statuses | {"expected": instance.expected, "missing": instance.missing}


class LessonSerializer(LessonBriefSerializer):
    section = SectionOfLessonSerializer(allow_null=True)
    late_after_minutes = serializers.IntegerField(allow_null=True)
    rule = RuleSerializer()
    checks = serializers.ListField(child=serializers.ChoiceField(Check.values))
    networks = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(LessonState.values)
    revision = serializers.IntegerField()
    counts = LessonCountsSerializer(source="*")
    is_held = serializers.SerializerMethodField()
    not_held_reason = serializers.CharField(allow_blank=True)
    is_deleted = serializers.BooleanField()

    def get_is_held(self, lesson: Any) -> bool:
        return not lesson.not_held_reason


class FoundLessonSerializer(LessonBriefSerializer):
    """A lesson to join, as a student may see it."""

    checks = serializers.ListField(child=serializers.ChoiceField(Check.values))


class LessonCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="To be typed: eight letters, or twelve.")
    short_code = serializers.CharField(help_text="Its first four: they name the lesson.")
    url = serializers.CharField(help_text="What the QR code holds.")
    qr_svg = serializers.CharField()
    changes_at = Instant(help_text="When the next code takes its place.")
    valid_until = Instant(help_text="Until then it is accepted.")


class RecordSerializer(serializers.Serializer[Any]):
    school_number = serializers.CharField()
    full_name = serializers.CharField()
    status = serializers.ChoiceField(Status.values)
    checked_in_at = Instant(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    source = serializers.ChoiceField(Source.values)
    revision = serializers.IntegerField()
    is_expected = serializers.BooleanField(
        allow_null=True, help_text="Whether the student was on the roster; null: not known."
    )
    is_deleted = serializers.BooleanField()


class ExpectedPersonSerializer(PersonShapeSerializer):
    record = RecordSerializer(allow_null=True)


class StatusChangeSerializer(PersonShapeSerializer):
    lesson_id = serializers.UUIDField()
    old = serializers.ChoiceField(Status.values)
    new = serializers.ChoiceField(Status.values)


class RecomputePlanSerializer(serializers.Serializer[Any]):
    lessons = serializers.IntegerField(help_text="How many were looked at.")
    changes = StatusChangeSerializer(many=True)
    digest = serializers.CharField(help_text="Send it back to apply these changes.")
    is_applied = serializers.BooleanField()


class ClosedRosterSerializer(serializers.Serializer[Any]):
    expected = serializers.IntegerField()
    marked_absent = serializers.IntegerField(help_text="Those who are excused among them.")


class CheckedInSerializer(RecordSerializer):
    receipt = serializers.CharField(help_text="Keep it: it proves the mark if the server loses it.")
    lesson = LessonBriefSerializer()


class OwnRecordSerializer(RecordSerializer):
    lesson = LessonBriefSerializer()


class RedeemedSerializer(RecordSerializer):
    outcome = serializers.ChoiceField(["kept", "restored"])
    lesson = LessonBriefSerializer()


class WaitingReceiptSerializer(PersonShapeSerializer):
    outcome = serializers.ChoiceField(
        ["waits", "set_aside"],
        help_text="Nobody knows the lesson: staff decide, or have set the receipt aside.",
    )
    lesson = LessonBriefSerializer()


class KeptScanSerializer(serializers.Serializer[Any]):
    scan = serializers.CharField(help_text="Send it in place of a code.")
    valid_until = Instant()


class EventSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    kind = serializers.ChoiceField(EventKind.values)
    happened_at = Instant()
    actor = PersonShapeSerializer()
    source = serializers.ChoiceField(Source.values)
    student = PersonShapeSerializer(allow_null=True)
    old = serializers.CharField(allow_blank=True)
    new = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class RefusedCheckInSerializer(PersonShapeSerializer):
    code = serializers.ChoiceField(Refusal.values)
    times = serializers.IntegerField()
    first_at = Instant()
    last_at = Instant()


class TermSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="The first day after it.")


class SectionSerializer(serializers.Serializer[Any]):
    """A section as `courses.selectors.listing.SectionView` has it."""

    id = serializers.IntegerField(source="section.pk")
    code = serializers.CharField(source="section.code", allow_blank=True)
    title = serializers.CharField(source="section.title")
    component = serializers.ChoiceField(
        Component.values, source="section.component", allow_blank=True
    )
    term = TermSerializer(source="section.term")
    time_zone = serializers.CharField(source="section.time_zone")
    location = serializers.CharField(source="section.location", allow_blank=True)
    walk_ins = serializers.ChoiceField(WalkIns.values, source="section.walk_ins")
    my_role = serializers.ChoiceField(
        EnrolmentRole.values, allow_null=True, help_text="null for staff without a role in it."
    )
    student_total = serializers.IntegerField(
        allow_null=True, help_text="Of today; null for those who do not see the roster."
    )
    teacher_total = serializers.IntegerField()
    teachers = serializers.SerializerMethodField(help_text="Their names; those in charge first.")
    starts_on = serializers.DateField(source="section.starts_on")
    ends_on = serializers.DateField(source="section.ends_on", help_text="The first day after it.")
    archived_at = Instant(source="section.archived_at", allow_null=True)

    def get_teachers(self, view: Any) -> list[str]:
        return [teacher.full_name for teacher in view.teachers]


class RosterEntrySerializer(serializers.Serializer[Any]):
    school_number = serializers.CharField(source="number")
    full_name = serializers.CharField(source="name")
    role = serializers.ChoiceField(EnrolmentRole.values)
    is_primary = serializers.BooleanField(help_text="A teacher who is in charge.")
    begins_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True, help_text="The first day after it.")


class PolicySerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    opens_before_s = serializers.IntegerField()
    late_after_s = serializers.IntegerField(allow_null=True)
    absent_after_s = serializers.IntegerField(allow_null=True)
    min_presence_permille = serializers.IntegerField()
    late_credit_permille = serializers.IntegerField()
    counted = serializers.ChoiceField(Counted.values)
    threshold_permille = serializers.IntegerField()
    warn_permille = serializers.IntegerField(allow_null=True)
    in_a_row = serializers.IntegerField(allow_null=True)
    days_without = serializers.IntegerField(allow_null=True)
    min_lessons = serializers.IntegerField()
    min_days = serializers.IntegerField()
    basis = serializers.ChoiceField(Basis.values)
    must_exceed = serializers.BooleanField()
    planned = serializers.IntegerField(allow_null=True)
    excused_as = serializers.ChoiceField(ExcusedAs.values)
    document_days = serializers.IntegerField(allow_null=True)
    set_by = PersonShapeSerializer()
    set_at = Instant()


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    trigger = serializers.ChoiceField(Trigger.values)
    started_at = Instant()
    finished_at = Instant(allow_null=True)
    lessons = serializers.IntegerField()
    recorded = serializers.IntegerField()
    read = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    expected = serializers.IntegerField()
    marked_absent = serializers.IntegerField()
    failed = serializers.IntegerField()
    is_interrupted = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)


class PersistedLessonSerializer(serializers.Serializer[Any]):
    """What a run of the task for one lesson says."""

    lesson_id = serializers.UUIDField()
    outcome = serializers.CharField()
    recorded = serializers.IntegerField()
    read = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    expected = serializers.IntegerField()
    marked_absent = serializers.IntegerField()
    is_discarded = serializers.BooleanField()
    sums_agree = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)


class PayloadSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    lesson_id = serializers.UUIDField()
    kind = serializers.ChoiceField(PayloadKind.values)
    field = serializers.CharField(allow_blank=True)
    payload = serializers.SerializerMethodField(help_text="The raw bytes, in base64.")
    reason = serializers.CharField()
    found_at = Instant()
    state = serializers.ChoiceField(PayloadState.values)
    settled_at = Instant(allow_null=True)
    settled_reason = serializers.CharField(allow_blank=True)

    def get_payload(self, row: Any) -> str:
        return base64.b64encode(bytes(row.payload)).decode()


class AlarmSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    subject = serializers.CharField(
        allow_blank=True, help_text="The id of a lesson, or a server of a cluster."
    )
    about = serializers.CharField(allow_blank=True)
    severity = serializers.ChoiceField([severity.value for severity in Severity])
    since = Instant(allow_null=True)
    cause = serializers.CharField()
    what_to_do = serializers.CharField()
    see = serializers.CharField()
    acknowledged_at = Instant(allow_null=True)
    acknowledged_by = serializers.CharField(allow_blank=True)
    acknowledged_reason = serializers.CharField(allow_blank=True)


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457; some problems name more than this."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)
