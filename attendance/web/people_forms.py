"""The forms that make accounts: the first one of a site, one person, and people from a file."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from attendance.web.forms import RosterUploadForm
from attendance.web.page_form import PageForm
from users.identity import LONGEST_FULL_NAME, LONGEST_SCHOOL_NUMBER
from users.models import RoleChoices, User

MOST_CHARACTERS = 512 * 1024


class PasswordForm(PageForm):
    """Number, name and an initial password of one account."""

    school_number = forms.CharField(
        label=_("School number"),
        max_length=LONGEST_SCHOOL_NUMBER,
        help_text=_("Letters, digits, dots and hyphens. You sign in with it."),
    )
    full_name = forms.CharField(label=_("Full name"), max_length=LONGEST_FULL_NAME)
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        help_text=_("At least 8 characters, and none that everybody knows."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("password"):
            person = User(
                school_number=cleaned.get("school_number", ""),
                full_name=cleaned.get("full_name", ""),
            )
            try:
                validate_password(cleaned["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class SetupForm(PasswordForm):
    """The first member of staff."""


class PersonForm(PasswordForm):
    """One more person."""

    role = forms.ChoiceField(label=_("Role"), choices=RoleChoices.choices)
    field_order = ("school_number", "full_name", "role", "password")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["school_number"].help_text = _("Letters, digits, dots and hyphens.")
        password = self.fields["password"]
        password.label, password.required = _("Initial password"), False
        password.help_text = _("Left empty, they cannot sign in with a password.")


class PeopleUploadForm(RosterUploadForm):
    """A file of people, to look at first."""


class PeopleApplyForm(PageForm):
    """The text of a file that was looked at."""

    text = forms.CharField(strip=False, max_length=MOST_CHARACTERS, widget=forms.Textarea)
