"""The forms of absences. Times are those of the campus's clocks; the services check the rest."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from attendance.web.page_form import PageForm
from courses.models import AbsenceReason, Section
from courses.rules import instant_of
from courses.selectors.absence_lists import reasons_for
from courses.services.absences import AbsencePlan
from courses.vocabulary import LONGEST_NOTE, LONGEST_REQUEST_ID
from users.identity import Person

FIRST, LAST = date(2000, 1, 1), date(2099, 12, 30)
ACCEPTED = "application/pdf,image/jpeg,image/png"


class ReasonField(forms.ModelChoiceField[AbsenceReason]):
    def label_from_instance(self, obj: Any) -> str:
        if not obj.needs_evidence:
            return str(obj.label)
        return gettext("%(reason)s (a file is needed)") % {"reason": obj.label}


def _day(label: Any) -> forms.DateField:
    bounds = {"type": "date", "min": FIRST.isoformat(), "max": LAST.isoformat()}
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs=bounds, format="%Y-%m-%d"),
    )


def _time(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )


class AskForm(PageForm):
    """A student's own absence; today, the whole day, where nothing is changed."""

    first_day = _day(_("First day"))
    from_time = _time(_("From"))
    last_day = _day(_("Last day"))
    until_time = _time(_("Until"))
    reason = ReasonField(AbsenceReason.objects.none(), label=_("Reason"))
    sections = forms.MultipleChoiceField(
        label=_("Only for these courses"), required=False, widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(label=_("Note"), max_length=LONGEST_NOTE, required=False)
    request_id = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_REQUEST_ID)

    def __init__(
        self, data: Any = None, *, person: Person, sections: Sequence[Section], **options: Any
    ) -> None:
        super().__init__(data, **options)
        reasons: Any = self.fields["reason"]
        reasons.queryset = reasons_for(person)
        only = list(reasons.queryset[:2])
        if len(only) == 1:
            reasons.initial = only[0]
        boxes: Any = self.fields["sections"]
        boxes.choices = [(str(section.pk), str(section)) for section in sections]

    def plan(self, *, user_id: int) -> AbsencePlan:
        """What a valid form asks for."""
        data, midnight = self.cleaned_data, time()
        last, until = data["last_day"], data["until_time"]
        if until is None:
            # The whole of the last day: until the next one begins.
            last, until = last + timedelta(days=1), midnight
        return AbsencePlan(
            user_id=user_id,
            starts_at=_instant(data["first_day"], data["from_time"] or midnight),
            ends_at=_instant(last, until),
            reason_id=data["reason"].pk,
            section_ids=frozenset(map(int, data["sections"])) or None,
            note=data["note"],
        )

    def clean_first_day(self) -> date:
        return _within(self.cleaned_data["first_day"])

    def clean_last_day(self) -> date:
        return _within(self.cleaned_data["last_day"])


def _within(day: date) -> date:
    if not FIRST <= day <= LAST:
        raise forms.ValidationError(_("Choose a day between 2000 and 2099."))
    return day


def _instant(day: date, at: time) -> datetime:
    zone = timezone.get_current_timezone()
    assert isinstance(zone, ZoneInfo)  # noqa: S101 - Django's own, from ATTN_TIME_ZONE
    return instant_of(datetime.combine(day, at), zone)


class RefuseForm(PageForm):
    why = forms.CharField(
        label=_("Why"), max_length=LONGEST_NOTE, help_text=_("The student reads it.")
    )
