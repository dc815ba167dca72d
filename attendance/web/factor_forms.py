"""The forms that ask in a session for a secret: as allauth's, and counted."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from attendance.errors import SignInUnavailable, TooManyAttempts
from attendance.services.access import second_factors
from users import second_factor
from users.errors import SecondFactorUnreadable
from users.passwords import composed
from users.wording import in_words


class _CountedForm(BaseAuthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> Any:
        # As allauth's, and one factor that cannot be read does not hide the other.
        code = self.cleaned_data["code"]
        try:
            with second_factors.counted(self.user):
                self.authenticator = second_factor.shown_by(self.user, code)
                if self.authenticator is None:
                    raise get_factor_adapter().validation_error("incorrect_code")
        except (TooManyAttempts, SignInUnavailable, SecondFactorUnreadable) as error:
            raise ValidationError(in_words(error), error.code) from None
        self.authenticator.user = self.user
        return code


class CountedAuthenticateForm(_CountedForm, AuthenticateForm):  # type: ignore[misc]
    """While signing in."""


class CountedReauthenticateForm(_CountedForm, ReauthenticateForm):  # type: ignore[misc]
    """In a session: before the second factor is changed, or where a door asks for it."""


class CountedChangePasswordForm(ChangePasswordForm):  # type: ignore[misc]
    """The old password is an attempt to sign in: a stolen session guesses no more than others."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        for name, label, help_text in (
            ("oldpassword", _("Current password"), ""),
            (
                "password1",
                _("New password"),
                _("At least 8 characters, and none that everybody knows."),
            ),
            ("password2", _("New password again"), ""),
        ):
            field = self.fields[name]
            field.label, field.help_text = label, help_text
            field.widget.attrs.pop("placeholder", None)

    def clean_oldpassword(self) -> Any:
        password = self.cleaned_data.get("oldpassword", "")
        adapter = get_adapter(context.request)
        if not adapter.reauthenticate(self.user, password):
            raise adapter.validation_error("enter_current_password")
        return password

    def clean_password1(self) -> Any:
        new, old = self.cleaned_data["password1"], self.data.get("oldpassword", "")
        if composed(new) == composed(old):
            raise ValidationError(_("This is the password that you have. Choose another one."))
        return new
