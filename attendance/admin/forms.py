"""The forms of the admin's own views; the services check the values."""

from django import forms
from django.utils.safestring import SafeString
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
    """A copy of a payload; where a record is in its way, the form asks which of the two counts."""

    KEEP, REPLACE = "keep", "replace"
    CHOICES = (
        (KEEP, _("The record of the register. The payload is set aside.")),
        (REPLACE, _("This copy, in its place.")),
    )

    school_number = forms.CharField(label=_("School number"), max_length=LONGEST_SCHOOL_NUMBER)
    full_name = forms.CharField(label=_("Full name"), max_length=LONGEST_FULL_NAME)
    status = forms.ChoiceField(label=_("Status"), choices=Status.choices)
    checked_in_at = forms.DateTimeField(
        label=_("Checked in at"),
        required=False,
        help_text=_("Status and arrival as the bytes have them: the original record is restored."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_REASON, required=False)
    choice = forms.ChoiceField(
        label=_("Which of the two counts"),
        required=False,
        widget=forms.HiddenInput,
        choices=CHOICES,
    )
    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)
    shown: SafeString | str = ""
    """The raw bytes, or both records where somebody has to choose."""

    def begin_at(self, name: str) -> None:
        """Put the cursor into the field that the bytes do not say."""
        self.fields[name].widget.attrs["autofocus"] = True

    def ask(self, shown: SafeString, *, revision: int) -> None:
        """Ask which record counts: the one at this revision, or the copy."""
        self.shown = shown
        typed = {name: self.data.get(name, "") for name in self.fields}
        self.data = {**typed, "choice": "", "seen_revision": revision}
        self.fields["choice"].widget = forms.RadioSelect(choices=self.CHOICES)
