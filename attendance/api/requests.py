"""The bodies and parameters that callers send. Types are judged here, rules in the services."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from attendance.api.parsing import Instant, PageQuery, Strict, Text, Whole
from attendance.rules.window import LONGEST_LESSON_HOURS
from attendance.selectors.lessons import PAST
from attendance.services.receipts import LONGEST
from attendance.vocabulary import (
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    MOST_NETWORKS,
    Check,
    LessonState,
    PayloadState,
    Status,
)
from courses.services.policies import BOUNDS
from courses.vocabulary import LONGEST_CODE, LONGEST_TITLE, Basis, Counted, ExcusedAs
from users.identity import LONGEST_FULL_NAME, LONGEST_SCHOOL_NUMBER

LARGEST_ID = 2**63 - 1

ARRIVED = "When the student came: then the rule of the lesson gives the status."
_MINUTES = LONGEST_LESSON_HOURS * 60


class SignInSerializer(Strict):
    school_number = Text(max_length=64)
    password = Text(max_length=1_000, trim_whitespace=False)
    code = Text(max_length=64, required=False, help_text="of the second factor, where there is one")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "minLength": 1, "maxLength": LONGEST_CODE},
        ]
    }
)
class SectionKey(serializers.Field):
    """The id of a section, or its code."""

    default_error_messages = {"invalid": "Give the id of a section, or its code."}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        is_id = isinstance(data, int) and not isinstance(data, bool)
        if not (is_id or isinstance(data, str)) or not 1 <= len(str(data)) <= LONGEST_CODE:
            self.fail("invalid")
        return str(data)

    def to_representation(self, value: Any) -> Any:
        return value


class NewLessonSerializer(Strict):
    lesson_name = Text(
        max_length=LONGEST_LESSON_NAME,
        required=False,
        help_text="The title of the section, where it is not given.",
    )
    section = SectionKey(
        required=False, help_text="The id or the code of the section that is taught."
    )
    starts_at = Instant(required=False, help_text="Now, where it is not given.")
    ends_at = Instant(required=False, help_text="Either this or `minutes`.")
    minutes = Whole(required=False, min_value=1, max_value=_MINUTES)
    late_after_minutes = Whole(required=False, allow_null=True, min_value=0, max_value=_MINUTES)
    checks = serializers.ListField(
        child=serializers.ChoiceField(Check.values), required=False, max_length=len(Check)
    )
    networks = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        max_length=MOST_NETWORKS,
        help_text="CIDR, for the check `network`; those of the campus where none is given.",
    )

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if not ("lesson_name" in attrs or "section" in attrs):
            raise serializers.ValidationError(
                {"lesson_name": [serializers.ErrorDetail("Name the lesson.", "required")]}
            )
        return attrs


class LessonChangeSerializer(Strict):
    lesson_name = Text(max_length=LONGEST_LESSON_NAME, required=False)
    ends_at = Instant(required=False, help_text="Later than the present end.")


class ReasonSerializer(Strict):
    reason = Text(max_length=LONGEST_REASON)


class AcknowledgeSerializer(ReasonSerializer):
    subject = Text(
        max_length=200, required=False, allow_blank=True, help_text="As the list has it."
    )


class MergeSerializer(ReasonSerializer):
    into = Text(max_length=64, help_text="The number of the account that stands for both.")


class NewRecordSerializer(Strict):
    full_name = Text(max_length=LONGEST_FULL_NAME)
    status = serializers.ChoiceField(
        [Status.PRESENT, Status.LATE, Status.ABSENT, Status.EXCUSED, Status.REJECTED],
        default=Status.PRESENT.value,
    )
    arrived_at = Instant(required=False, help_text=ARRIVED)
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)


class RecordChangeSerializer(Strict):
    status = serializers.ChoiceField(
        [Status.PRESENT, Status.LATE, Status.ABSENT, Status.EXCUSED, Status.REJECTED],
        required=False,
    )
    undo = serializers.BooleanField(required=False, help_text="Take back the last correction.")
    arrived_at = Instant(required=False, help_text=ARRIVED)
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        says = ("status" in attrs or "arrived_at" in attrs, bool(attrs.get("undo")))
        if says[0] == says[1]:
            raise serializers.ValidationError(
                "Send either status or arrived_at, or undo.", "status_or_undo"
            )
        return attrs


class CodeSerializer(Strict):
    code = Text(max_length=40)


class ReceiptSerializer(Strict):
    receipt = Text(max_length=LONGEST)


class VerdictOfVerifierSerializer(Strict):
    verification_id = serializers.CharField(
        max_length=200, help_text="As in the address: the signature is over the body alone."
    )
    verdict = serializers.ChoiceField(["accept", "reject"])
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)


class LessonsQuerySerializer(PageQuery):
    state = serializers.ChoiceField([*LessonState.values, PAST], required=False)
    search = serializers.CharField(
        required=False,
        max_length=LONGEST_LESSON_NAME,
        help_text="In the newest 20,000 lessons that the other filters leave.",
    )

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword of Python, so the field cannot be declared above.
        names = {"from": "They begin at or after.", "to": "They begin before."}
        fields: dict[str, Any] = super().get_fields()
        return fields | {
            name: Instant(required=False, help_text=text) for name, text in names.items()
        }


class FindQuerySerializer(Strict):
    lesson_name = serializers.CharField(required=False, max_length=LONGEST_LESSON_NAME)
    teacher_name = serializers.CharField(required=False, max_length=LONGEST_FULL_NAME)
    code = serializers.CharField(
        required=False, max_length=40, help_text="The four letters that name the lesson."
    )


class NewExpectedSerializer(Strict):
    school_number = Text(max_length=LONGEST_SCHOOL_NUMBER * 2)
    reason = Text(max_length=LONGEST_REASON)


class RecomputeSerializer(Strict):
    digest = Text(max_length=64, required=False, help_text="Of the preview that is to be applied.")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword of Python, so the field cannot be declared above.
        fields: dict[str, Any] = super().get_fields()
        return {"from": serializers.DateField(), "to": serializers.DateField()} | fields


class RecordsQuerySerializer(Strict):
    include_deleted = serializers.BooleanField(required=False, default=False)


class SectionsQuerySerializer(PageQuery):
    term = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    archived = serializers.BooleanField(required=False, help_text="Both where it is not given.")
    search = serializers.CharField(
        required=False, max_length=LONGEST_TITLE, help_text="A part of the title or of a code."
    )


class RosterQuerySerializer(PageQuery):
    on = serializers.DateField(
        required=False, help_text="A day; today in the section's time zone where it is not given."
    )


def _bounded(field: str, **options: Any) -> Whole:
    least, most = BOUNDS[field]
    return Whole(required=False, min_value=least, max_value=most, **options)


class NewPolicySerializer(Strict):
    """What is left out has its default; null says that there is no such rule."""

    opens_before_s = _bounded("opens_before_s")
    late_after_s = _bounded("late_after_s", allow_null=True)
    absent_after_s = _bounded("absent_after_s", allow_null=True)
    min_presence_permille = _bounded("min_presence_permille")
    late_credit_permille = _bounded("late_credit_permille")
    counted = serializers.ChoiceField(Counted.values, required=False)
    threshold_permille = _bounded("threshold_permille")
    warn_permille = _bounded("warn_permille", allow_null=True)
    in_a_row = _bounded("in_a_row", allow_null=True)
    days_without = _bounded("days_without", allow_null=True)
    min_lessons = _bounded("min_lessons")
    min_days = _bounded("min_days")
    basis = serializers.ChoiceField(Basis.values, required=False)
    must_exceed = serializers.BooleanField(required=False)
    planned = _bounded("planned", allow_null=True)
    excused_as = serializers.ChoiceField(ExcusedAs.values, required=False)
    document_days = _bounded("document_days", allow_null=True)


class QuarantineQuerySerializer(PageQuery):
    state = serializers.ChoiceField(PayloadState.values, required=False)


class NoQuerySerializer(Strict):
    """An address that takes no parameters."""
