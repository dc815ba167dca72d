"""The form above every report, which is also its address: a view can be kept as a bookmark."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.web.page_form import PageForm
from courses.models import Section, Term
from courses.vocabulary import LONGEST_CODE, Component
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
    group = forms.IntegerField(
        label=_("Group"), required=False, min_value=1, max_value=MOST_ID, widget=forms.Select
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
    course = forms.CharField(
        label=_("Code in the catalogue"), required=False, max_length=LONGEST_CODE
    )
    component = forms.ChoiceField(label=_("Part"), required=False, choices=_COMPONENTS)

    def asked(self) -> ReportFilter:
        """What a valid form asks for."""
        data = self.cleaned_data
        component: str = data["component"]
        return ReportFilter(
            section_id=data["section"],
            group_id=data["group"],
            person=data["person"],
            term_id=data["term"].pk if data["term"] else None,
            course=data["course"],
            component={"": None, WHOLE: ""}.get(component, component),
            first_on=data["from"],
            last_on=data["to"],
        )

    def leave_out(
        self, *, has_section: bool, is_own: bool, has_days: bool, has_person: bool
    ) -> None:
        """Without the fields that bound nothing: a course has one term and one part."""
        idle = {"term", "component", "course"} if has_section else set()
        idle |= set() if has_days else {"from", "to"}
        for name in idle | (set() if has_person and not is_own else {"person"}):
            del self.fields[name]

    def offer_groups(self, groups: Sequence[Section]) -> None:
        """Which groups of the course can be chosen; without any there is no such field."""
        if not groups and "group" not in self.errors:
            del self.fields["group"]
            return
        names = [(each.pk, str(each)) for each in groups]
        self.fields["group"].widget.choices = [("", _("The course itself")), *names]

    def chosen(self) -> list[str]:
        """What is chosen of the fields that are seen, in words."""
        return [
            f"{field.label} {field.value()}" if field.name in {"from", "to"} else _of(field)
            for field in self.visible_fields()
            if field.value()
        ]


def _of(field: forms.BoundField) -> str:
    """The words of a choice, or what was typed."""
    choices = dict(getattr(field.field.widget, "choices", ()))
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
