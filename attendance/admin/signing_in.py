"""Signing in to the admin: the same limits as everywhere."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from knox.models import AuthToken

from attendance.errors import InvalidCredentials, SignInUnavailable, TooManyAttempts
from attendance.services.addresses import address_of
from attendance.services.signing_in import SignIn, sign_in


class LimitedSignInForm(AdminAuthenticationForm):
    """Counts an attempt before it is tried."""

    def clean(self) -> dict[str, Any]:
        number, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not (number and password):
            return self.cleaned_data
        address = address_of(self.request.META) if self.request else ""
        try:
            user = sign_in(SignIn(number, password, address), request=self.request)
        except (TooManyAttempts, SignInUnavailable) as error:
            raise ValidationError(error.detail, error.code) from None
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        self.confirm_login_allowed(user)
        self.user_cache = user
        return self.cleaned_data


admin.site.login_form = LimitedSignInForm
# A token is made and revoked through the API: here it would only be a digest.
admin.site.unregister(AuthToken)
