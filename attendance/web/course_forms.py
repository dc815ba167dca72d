"""The form for a new course: what it needs, and nothing that has a good default."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from attendance.web.page_form import PageForm
from courses.vocabulary import LONGEST_CODE, LONGEST_TITLE
from users.identity import LONGEST_SCHOOL_NUMBER

USUAL_DAYS = 18 * 7


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class CourseForm(PageForm):
    title = forms.CharField(label=_("Title"), max_length=LONGEST_TITLE)
    code = forms.CharField(
        label=_("Code"),
        max_length=LONGEST_CODE,
        required=False,
        help_text=_("Such as PHY-101. It may be left out."),
    )
    starts_on = _day(_("First day"))
    last_on = _day(_("Last day"))
    time_zone = forms.CharField(label=_("Time zone"), max_length=64)
    teacher = forms.CharField(
        label=_("Teacher's school number"), max_length=LONGEST_SCHOOL_NUMBER, required=False
    )
    everybody = forms.BooleanField(
        label=_("Enrol all students who have an account"), required=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("last_on")
        if first and last and last < first:
            self.add_error("last_on", _("The last day is before the first one."))
        return cleaned


def initial(today: date) -> dict[str, Any]:
    return {
        "starts_on": today,
        "last_on": today + timedelta(days=USUAL_DAYS - 1),
        "time_zone": settings.TIME_ZONE,
        "everybody": True,
    }
