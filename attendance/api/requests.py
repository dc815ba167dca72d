"""The bodies and parameters that callers send. Types are judged here, rules in the services."""

from typing import Any

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
from users.identity import LONGEST_FULL_NAME

_MINUTES = LONGEST_LESSON_HOURS * 60


class SignInSerializer(Strict):
    school_number = Text(max_length=64)
    password = Text(max_length=1_000, trim_whitespace=False)


class NewLessonSerializer(Strict):
    lesson_name = Text(max_length=LONGEST_LESSON_NAME)
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


class LessonChangeSerializer(Strict):
    lesson_name = Text(max_length=LONGEST_LESSON_NAME, required=False)
    ends_at = Instant(required=False, help_text="Later than the present end.")


class ReasonSerializer(Strict):
    reason = Text(max_length=LONGEST_REASON)


class MergeSerializer(ReasonSerializer):
    into = Text(max_length=64, help_text="The number of the account that stands for both.")


class NewRecordSerializer(Strict):
    full_name = Text(max_length=LONGEST_FULL_NAME)
    status = serializers.ChoiceField(
        [Status.PRESENT, Status.LATE, Status.ABSENT, Status.EXCUSED, Status.REJECTED],
        default=Status.PRESENT.value,
    )
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)


class RecordChangeSerializer(Strict):
    status = serializers.ChoiceField(
        [Status.PRESENT, Status.LATE, Status.ABSENT, Status.EXCUSED, Status.REJECTED],
        required=False,
    )
    undo = serializers.BooleanField(required=False, help_text="Take back the last correction.")
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if ("status" in attrs) == bool(attrs.get("undo")):
            raise serializers.ValidationError("Send either status or undo.", "status_or_undo")
        return attrs


class CodeSerializer(Strict):
    code = Text(max_length=40)


class ReceiptSerializer(Strict):
    receipt = Text(max_length=LONGEST)


class VerdictOfVerifierSerializer(Strict):
    verdict = serializers.ChoiceField(["accept", "reject"])
    reason = Text(max_length=LONGEST_REASON, required=False, allow_blank=True)


class LessonsQuerySerializer(PageQuery):
    state = serializers.ChoiceField([*LessonState.values, PAST], required=False)
    search = serializers.CharField(required=False, max_length=LONGEST_LESSON_NAME)

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


class RecordsQuerySerializer(Strict):
    include_deleted = serializers.BooleanField(required=False, default=False)


class QuarantineQuerySerializer(PageQuery):
    state = serializers.ChoiceField(PayloadState.values, required=False)


class NoQuerySerializer(Strict):
    """An address that takes no parameters."""
