"""The form above every report, which is also its address: a view can be kept as a bookmark."""

from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.web.page_form import PageForm
from courses.models import Term
from courses.vocabulary import Component
from reports.asking import FIRST_DAY, LAST_DAY, ReportFilter
from users.identity import LONGEST_SCHOOL_NUMBER

MOST_ID: Final = (1 << 63) - 1
WHOLE: Final = "whole"
"""What an address says for sections that are neither theory nor lab."""
_COMPONENTS: Final = (
    ("", _("All parts")),
    (WHOLE, Component.WHOLE.label),
    *((each.value, each.label) for each in Component if each.value),
)


class FilterForm(PageForm):
    """What a report is about. Wrong fields bound nothing, and say so."""

    section = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_ID, widget=forms.HiddenInput
    )
    person = forms.CharField(
        label=_("Number of a student"), required=False, max_length=2 * LONGEST_SCHOOL_NUMBER
    )
    term = forms.ModelChoiceField(
        Term.objects.order_by("-starts_on", "pk"),
        label=_("Term"),
        required=False,
        empty_label=_("All terms"),
    )
    component = forms.ChoiceField(label=_("Part"), required=False, choices=_COMPONENTS)

    def asked(self) -> ReportFilter:
        """What a valid form asks for."""
        data = self.cleaned_data
        component: str = data["component"]
        return ReportFilter(
            section_id=data["section"],
            person=data["person"],
            term_id=data["term"].pk if data["term"] else None,
            component={"": None, WHOLE: ""}.get(component, component),
            first_on=data["from"],
            last_on=data["to"],
        )

    def leave_out(self, *, has_section: bool, is_own: bool, has_days: bool) -> None:
        """Without the fields that bound nothing: a course has one term and one part."""
        idle = {"term", "component"} if has_section else set()
        idle |= set() if has_days else {"from", "to"}
        for name in idle | ({"person"} if is_own else set()):
            del self.fields[name]

    def chosen(self) -> list[str]:
        """What is chosen of the fields that are seen, in words."""
        return [
            f"{field.label} {field.value()}" if field.name in {"from", "to"} else _of(field)
            for field in self.visible_fields()
            if field.value()
        ]


def _of(field: forms.BoundField) -> str:
    """The words of a choice, or what was typed."""
    choices = dict(getattr(field.field, "choices", ()))
    names = {str(key): str(words) for key, words in choices.items()}
    return names.get(str(field.value()), str(field.value()))


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[_within_reason],
    )


def _within_reason(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise forms.ValidationError(_("Choose a day of this era."))


# `from` is no name that a class can give.
FilterForm.base_fields |= {"from": _day(_("From")), "to": _day(_("To"))}
