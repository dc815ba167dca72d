"""The forms with which somebody gets to a password by a link."""

from typing import Any

from allauth.account.forms import ResetPasswordKeyForm
from allauth.core import context
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from attendance.errors import SignInUnavailable, TooManyAttempts
from attendance.services.access import forgotten
from attendance.services.access.addresses import address_of
from attendance.web.page_form import PageForm
from users.identity import clean_text
from users.models import User
from users.services import choosing
from users.services.inviting import LENGTH
from users.wording import in_words

LONGEST_TYPED = 254


class AskForLinkForm(PageForm):
    """Whose password; the answer is the same for everybody. The field has allauth's name."""

    email = forms.CharField(
        label=_("School number or e-mail address"),
        max_length=LONGEST_TYPED,
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )

    def clean_email(self) -> str:
        typed = clean_text(self.cleaned_data["email"]) or ""
        try:
            forgotten.count_asking(typed, address=address_of(context.request.META))
        except (TooManyAttempts, SignInUnavailable) as error:
            raise ValidationError(in_words(error), error.code) from None
        return typed

    def save(self, request: HttpRequest, **options: Any) -> None:
        forgotten.ask_for_link(self.cleaned_data["email"], language=get_language() or "en")


class NewPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """By a link from a mail: what stood on the old password ends."""

    def save(self) -> None:
        hashed = choosing.hash_chosen(self.cleaned_data["password1"])
        choosing.set_chosen(self.user.pk, hashed, door="mail")


class LinkCodeForm(PageForm):
    """A code that is typed from a slip."""

    code = forms.CharField(
        label=_("Code on your slip"),
        # With room for the spaces between its groups.
        max_length=2 * LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )


class FirstPasswordForm(PageForm):
    """A first password, typed twice: whoever mistypes it has no other way in."""

    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        help_text=_("At least 8 characters, and none that everybody knows."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Password, once more"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise ValidationError(_("These are two different passwords. Type them again."))
        return again
