"""What the API reads and answers about absences."""

from typing import Any

from rest_framework import serializers

from attendance.api.parsing import Instant, PageQuery, Strict, Text, Whole
from attendance.api.responses import PersonShapeSerializer
from courses.selectors.absence_lists import AbsenceView
from courses.services.absence_decisions import DecidedOne
from courses.vocabulary import (
    LONGEST_CODE,
    LONGEST_NOTE,
    MOST_DECISIONS,
    AbsenceState,
    Asker,
    Effect,
    EvidenceKind,
)

LARGEST_ID = 2**63 - 1
MOST_SECTIONS = 100


class NewAbsenceSerializer(Strict):
    starts_at = Instant()
    ends_at = Instant(help_text="Exclusive, and at most 366 days after the start.")
    reason = Text(max_length=LONGEST_CODE, help_text="Its code: see `absence-reasons/`.")
    note = Text(max_length=LONGEST_NOTE, required=False, allow_blank=True, trim_whitespace=False)
    sections = serializers.ListField(
        child=Whole(min_value=1, max_value=LARGEST_ID),
        required=False,
        min_length=1,
        max_length=MOST_SECTIONS,
        help_text="Their ids; for all sections where it is not given.",
    )
    school_number = Text(
        max_length=64, required=False, help_text="Of whom it is about; yourself by default."
    )


class NewAbsenceFormSerializer(NewAbsenceSerializer):
    """The same as a form, with files."""

    sections = serializers.ListField(
        # A form has texts only.
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        required=False,
        max_length=MOST_SECTIONS,
        help_text="Their ids, a field each; for all sections where it is not given.",
    )
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        required=False,
        help_text="PDF, JPEG or PNG: at most 10, of 5 MB each and 20 MB together.",
    )


class EvidenceFormSerializer(Strict):
    file = serializers.FileField(
        allow_empty_file=True, help_text="PDF, JPEG or PNG, of at most 5 MB."
    )


class DecisionSerializer(Strict):
    approve = serializers.BooleanField()
    why = Text(
        max_length=LONGEST_NOTE,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Needed for a refusal; the person reads it.",
    )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data.get("approve", False), bool):
            # The framework would take 1 and "yes" as well.
            raise serializers.ValidationError({"approve": ["Send true or false."]})
        return super().to_internal_value(data)


class DecisionsSerializer(DecisionSerializer):
    ids = serializers.ListField(
        child=Whole(min_value=1, max_value=LARGEST_ID),
        min_length=1,
        max_length=MOST_DECISIONS,
    )


class AbsencesQuerySerializer(PageQuery):
    state = serializers.ChoiceField(AbsenceState.choices, required=False)
    school_number = serializers.CharField(required=False, max_length=64)
    section = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="Those that name it, and those for all sections of its students.",
    )

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword of Python, so the field cannot be declared above.
        names = {"from": "They end after it.", "to": "They begin before it."}
        fields: dict[str, Any] = super().get_fields()
        return fields | {
            name: Instant(required=False, help_text=text) for name, text in names.items()
        }


class AbsenceReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    label = serializers.CharField()
    effect = serializers.ChoiceField(Effect.choices)
    needs_evidence = serializers.BooleanField()
    who_may_ask = serializers.ChoiceField(Asker.choices)


class SectionBriefSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    code = serializers.CharField(allow_blank=True)
    title = serializers.CharField()


class EvidenceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField(help_text="As the sender called it.")
    kind = serializers.ChoiceField(EvidenceKind.choices, help_text="By its content.")
    size = serializers.IntegerField(help_text="Bytes.")
    added_by = PersonShapeSerializer()
    added_at = Instant()
    kept_until = serializers.DateField()
    removed_at = Instant(allow_null=True, help_text="The file is gone since then.")


class AbsenceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    person = PersonShapeSerializer()
    starts_at = Instant()
    ends_at = Instant()
    is_for_all_sections = serializers.BooleanField()
    sections = SectionBriefSerializer(many=True)
    reason = AbsenceReasonSerializer()
    note = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(AbsenceState.choices)
    requested_by = PersonShapeSerializer()
    requested_at = Instant()
    decided_by = PersonShapeSerializer(allow_null=True)
    decided_at = Instant(allow_null=True)
    decided_why = serializers.CharField(allow_blank=True)
    withdrawn_by = PersonShapeSerializer(allow_null=True)
    withdrawn_at = Instant(allow_null=True)
    evidence = EvidenceSerializer(
        many=True, allow_null=True, help_text="null where you may not read it."
    )
    can_decide = serializers.BooleanField(help_text="You may, and nobody has.")
    can_withdraw = serializers.BooleanField()
    can_attach = serializers.BooleanField()

    def to_representation(self, instance: AbsenceView) -> dict[str, Any]:
        row = instance.absence
        names = (
            "id starts_at ends_at is_for_all_sections reason note state requested_by requested_at"
            " decided_by decided_at decided_why withdrawn_by withdrawn_at"
        )
        shown = {name: getattr(row, name) for name in names.split()} | {"person": row.user}
        data: dict[str, Any] = super().to_representation(
            shown | instance._asdict() | {"sections": instance.sections}
        )
        return data


class DecidedSerializer(serializers.Serializer[Any]):
    """What became of one of many; `code` is that of the problem, or empty."""

    id = serializers.IntegerField()
    is_done = serializers.BooleanField()
    state = serializers.ChoiceField(AbsenceState.choices, allow_null=True)
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)

    def to_representation(self, instance: DecidedOne) -> dict[str, Any]:
        absence, error = instance.absence, instance.error
        data: dict[str, Any] = super().to_representation(
            {
                "id": instance.absence_id,
                "is_done": error is None,
                "state": absence.state if absence else None,
                "code": error.code if error else "",
                "detail": error.detail if error else "",
            }
        )
        return data
