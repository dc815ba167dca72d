"""The forms of the admin's own views; the services check the values."""

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.vocabulary import LONGEST_REASON, Status, Verdict
from users.identity import LONGEST_FULL_NAME, LONGEST_SCHOOL_NUMBER


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_REASON)


class VerdictForm(forms.Form):
    """A verdict on a record that is there, at the revision that is shown."""

    verdict = forms.ChoiceField(label=_("Verdict"), choices=Verdict.choices)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        required=False,
        help_text=_("Needed for everything but accept and undo."),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    request_id = forms.CharField(widget=forms.HiddenInput)


class AddStudentForm(forms.Form):
    school_number = forms.CharField(label=_("School number"), max_length=LONGEST_SCHOOL_NUMBER)
    full_name = forms.CharField(label=_("Full name"), max_length=LONGEST_FULL_NAME)
    verdict = forms.ChoiceField(
        label=_("Verdict"),
        choices=[
            (verdict.value, verdict.label)
            for verdict in Verdict
            if verdict not in {Verdict.UNDO, Verdict.DELETE}
        ],
    )
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_REASON, required=False)
    request_id = forms.CharField(widget=forms.HiddenInput)


class ReplayForm(forms.Form):
    """A corrected copy of a payload, with the revision of the record that it replaces, if any."""

    school_number = forms.CharField(label=_("School number"), max_length=LONGEST_SCHOOL_NUMBER)
    full_name = forms.CharField(label=_("Full name"), max_length=LONGEST_FULL_NAME)
    status = forms.ChoiceField(
        label=_("Status"),
        choices=[(s.value, s.label) for s in Status if s is not Status.PENDING],
    )
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_REASON, required=False)
    replace_revision = forms.IntegerField(
        label=_("Replace the record at revision"),
        required=False,
        help_text=_("Only where the student has a record already and this one is to replace it."),
    )
