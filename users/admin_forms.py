"""The forms of people in the admin: numbers and names in their form, passwords to be changed."""

from typing import Any

from django import forms
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)
from django.utils.translation import gettext_lazy as _

from users.errors import NumberIsFormer, UserError
from users.identity import LONGEST_FULL_NAME, canonical_school_number, clean_full_name
from users.models import LONGEST_MERGE_REASON, FormerNumber, User
from users.wording import in_words


class NumberField(forms.CharField):
    """A school number, kept in its canonical form however it is typed."""

    def clean(self, value: Any) -> str:
        try:
            return canonical_school_number(super().clean(value))
        except UserError as error:
            raise forms.ValidationError(in_words(error)) from None


class NameField(forms.CharField):
    """A name in the only form that is stored."""

    def clean(self, value: Any) -> str:
        try:
            return clean_full_name(super().clean(value))
        except UserError as error:
            raise forms.ValidationError(in_words(error)) from None


def check_is_free(number: str, *, of: User | None = None) -> None:
    """Raises ValidationError for a number that somebody else had."""
    had = FormerNumber.objects.filter(number=number).select_related("user").first()
    if had is not None and had.user != of:
        error = NumberIsFormer(number=number, now=had.user.school_number)
        raise forms.ValidationError(in_words(error))


class UserCreation(AdminUserCreationForm[User]):
    school_number = NumberField(label=_("School number"), max_length=64)
    full_name = NameField(label=_("Full name"), max_length=LONGEST_FULL_NAME)

    class Meta:
        model = User
        fields = ("school_number", "full_name", "role", "email")

    def clean_school_number(self) -> str:
        number: str = self.cleaned_data["school_number"]
        check_is_free(number)
        return number

    def save(self, commit: bool = True) -> User:
        _expect_change(self.instance, self.cleaned_data)
        return super().save(commit)


class PasswordGiven(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """A password that staff set for somebody else."""

    def save(self, commit: bool = True) -> User:
        _expect_change(self.user, self.cleaned_data)
        user: User = super().save(commit)
        return user


def _expect_change(user: User, cleaned: dict[str, Any]) -> None:
    """Whoever gets a password from somebody else chooses their own at the first sign-in."""
    user.must_change_password = bool(cleaned.get("set_usable_password") and cleaned["password1"])


class UserChange(UserChangeForm[User]):
    school_number = NumberField(label=_("School number"), max_length=64)
    full_name = NameField(label=_("Full name"), max_length=LONGEST_FULL_NAME)

    class Meta:
        model = User
        fields = "__all__"

    def clean_school_number(self) -> str:
        number: str = self.cleaned_data["school_number"]
        check_is_free(number, of=self.instance)
        return number


class UnmergeForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_MERGE_REASON)


class MergeForm(UnmergeForm):
    into = NumberField(
        label=_("Number of the account to keep"),
        max_length=64,
        help_text=_("Nobody signs in with this one any more. No record changes."),
    )
    field_order = ("into", "reason")
