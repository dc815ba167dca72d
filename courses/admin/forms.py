"""The forms of the views for courses; the services check what is typed."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import (
    AdminDateWidget,
    AdminSplitDateTime,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.utils.translation import gettext_lazy as _

from courses.models import Absence, AbsenceReason, Closure, Course, Enrolment, Section, Term
from courses.services.absences import AbsencePlan
from courses.services.sections import SectionPlan
from courses.vocabulary import (
    LONGEST_CODE,
    LONGEST_NOTE,
    LONGEST_TITLE,
    LONGEST_ZONE,
    Component,
    EnrolmentRole,
    WalkIns,
)
from users.models import User


def _searched(model: Any, field: str) -> AutocompleteSelect:
    """Looked up while it is typed: a list of all users would be the whole school."""
    return AutocompleteSelect(model._meta.get_field(field), admin.site)


def _day(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label, required=required, help_text=help_text, widget=AdminDateWidget
    )


class SectionForm(forms.Form):
    term = forms.ModelChoiceField(Term.objects.all(), label=_("Term"))
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
    code = forms.CharField(label=_("Code"), max_length=LONGEST_CODE, required=False)
    course = forms.ModelChoiceField(
        Course.objects.all(),
        label=_("Entry of the catalogue"),
        required=False,
        widget=_searched(Section, "course"),
    )
    parent = forms.ModelChoiceField(
        Section.objects.all(),
        label=_("Lecture of this group"),
        required=False,
        widget=_searched(Section, "parent"),
    )
    component = forms.ChoiceField(label=_("Component"), choices=Component.choices, required=False)
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=LONGEST_ZONE,
        help_text=_("As in Europe/Istanbul. A new one counts for lessons that start afterwards."),
    )
    location = forms.CharField(label=_("Location"), max_length=LONGEST_TITLE, required=False)
    walk_ins = forms.ChoiceField(label=_("Walk-ins"), choices=WalkIns.choices)
    starts_on = _day(_("Starts on"))
    ends_on = _day(_("Ends before"), help_text=_("The first day after it."))

    def plan(self) -> SectionPlan:
        data = dict(self.cleaned_data)
        course, parent = data.pop("course"), data.pop("parent")
        return SectionPlan(
            term_id=data.pop("term").pk,
            course_id=course.pk if course else None,
            parent_id=parent.pk if parent else None,
            component=Component(data.pop("component")),
            walk_ins=WalkIns(data.pop("walk_ins")),
            **data,
        )


class EnrolForm(forms.Form):
    user = forms.ModelChoiceField(
        User.objects.all(), label=_("Person"), widget=_searched(Enrolment, "user")
    )
    role = forms.ChoiceField(label=_("Role"), choices=EnrolmentRole.choices)
    is_primary = forms.BooleanField(label=_("In charge"), required=False)
    begins_on = _day(_("Begins on"))
    ends_on = _day(_("Ends before"), required=False, help_text=_("Empty: no end is known."))


class EndForm(forms.Form):
    ends_on = _day(_("Ends before"), help_text=_("The first day after it."))


class ClosureForm(forms.Form):
    section = forms.ModelChoiceField(
        Section.objects.all(),
        label=_("Section"),
        required=False,
        help_text=_("Empty: the whole organisation."),
        widget=_searched(Closure, "section"),
    )
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
    starts_on = _day(_("Starts on"))
    ends_on = _day(_("Ends before"), help_text=_("The first day after it."))


class AbsenceForm(forms.Form):
    """An absence that staff enters for somebody; times are those of the campus."""

    user = forms.ModelChoiceField(
        User.objects.all(), label=_("Person"), widget=_searched(Absence, "user")
    )
    starts_at = forms.SplitDateTimeField(label=_("From"), widget=AdminSplitDateTime)
    ends_at = forms.SplitDateTimeField(label=_("To"), widget=AdminSplitDateTime)
    reason = forms.ModelChoiceField(AbsenceReason.objects.order_by("label"), label=_("Reason"))
    sections = forms.ModelMultipleChoiceField(
        Section.objects.all(),
        label=_("Sections"),
        required=False,
        help_text=_("Empty: all sections of this person."),
        widget=AutocompleteSelectMultiple(Absence._meta.get_field("sections"), admin.site),
    )
    note = forms.CharField(label=_("Note"), max_length=LONGEST_NOTE, required=False)
    file = forms.FileField(
        label=_("Evidence"), required=False, help_text=_("PDF, JPEG or PNG, of at most 5 MB.")
    )

    def plan(self) -> AbsencePlan:
        data = self.cleaned_data
        return AbsencePlan(
            user_id=data["user"].pk,
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            reason_id=data["reason"].pk,
            section_ids=frozenset(section.pk for section in data["sections"]) or None,
            note=data["note"],
        )


class EvidenceForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("PDF, JPEG or PNG, of at most 5 MB."))


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(
        label=_("Decision"), choices=[("approve", _("approve")), ("refuse", _("refuse"))]
    )
    why = forms.CharField(
        label=_("Why"),
        max_length=LONGEST_NOTE,
        required=False,
        help_text=_("Needed for a refusal; the person reads it."),
    )


def initial_of(section: Section, fields: Iterable[str]) -> dict[str, Any]:
    """What a section is now, for the form that changes it."""
    return {field: getattr(section, field) for field in fields}
