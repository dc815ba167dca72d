"""The forms of teachers. Types are checked here, rules in the services."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.rules.window import DEFAULT_MINUTES, MOST_MINUTES
from attendance.vocabulary import (
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    LONGEST_REQUEST_ID,
    Check,
    Verdict,
)
from attendance.web.page_form import PageForm
from users.identity import LONGEST_FULL_NAME, LONGEST_SCHOOL_NUMBER
from users.reading.text import FALLBACKS


class StartForm(PageForm):
    """A new lesson; its initial values are those of the last one."""

    section = forms.CharField(label=_("Course"), max_length=100, required=False)
    lesson_name = forms.CharField(
        label=_("Name of the lesson"), max_length=LONGEST_LESSON_NAME, required=False
    )
    minutes = forms.IntegerField(
        label=_("Minutes"), min_value=1, max_value=MOST_MINUTES, initial=DEFAULT_MINUTES
    )
    late_after_minutes = forms.IntegerField(
        label=_("Late after, in minutes"), min_value=0, max_value=MOST_MINUTES, required=False
    )
    checks = forms.MultipleChoiceField(
        label=_("What students have to show"),
        choices=Check.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    request_id = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_REQUEST_ID)

    def clean(self) -> dict[str, Any]:
        """A lesson of a course may have its title; any other one needs a name."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("section") and not cleaned.get("lesson_name"):
            self.add_error("lesson_name", _("Give the lesson a name, or choose a course."))
        return cleaned


class CorrectionForm(PageForm):
    """A verdict on one student, with the revision that was seen."""

    CHOICES: ClassVar[list[tuple[str, Any]]] = [
        (Verdict.ACCEPT, _("Present")),
        (Verdict.LATE, _("Late")),
        (Verdict.ABSENT, _("Absent")),
        (Verdict.EXCUSE, _("Excused")),
        (Verdict.REJECT, _("Rejected")),
        (Verdict.UNDO, _("Undo the last change")),
        (Verdict.DELETE, _("Take out of the register")),
    ]
    verdict = forms.ChoiceField(label=_("New status"), choices=CHOICES, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        required=False,
        help_text=_("Needed for everything but present and undo. The student sees it."),
    )
    expected_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    request_id = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_REQUEST_ID)


class AddForm(PageForm):
    """A student who is here and could not check in."""

    school_number = forms.CharField(label=_("School number"), max_length=LONGEST_SCHOOL_NUMBER * 2)
    full_name = forms.CharField(label=_("Full name"), max_length=LONGEST_FULL_NAME)
    request_id = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_REQUEST_ID)


class RosterUploadForm(PageForm):
    """A file with the roster of a course."""

    file = forms.FileField(label=_("File"), allow_empty_file=True)
    encoding = forms.ChoiceField(
        label=_("Encoding"),
        choices=[
            ("", _("UTF-8 or UTF-16, as most programs save it")),
            *((name, name) for name in FALLBACKS),
        ],
        required=False,
        help_text=_("cp1254 is what older programs write in Turkish, cp1252 in Western Europe."),
    )


class RosterApplyForm(PageForm):
    """The plan that was shown, and how many enrolments may end by it."""

    digest = forms.CharField(max_length=64)
    allow_drop = forms.IntegerField(min_value=0, required=False)
