"""Signing in with the campus's identity provider: it says who somebody is, ATTN what they may do.

It makes no account: the number that the provider names must be that of a user. Nothing of it is
stored, so each sign-in depends on what the provider says then.
"""

import logging
from collections.abc import Callable
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from requests import RequestException

from attendance.http_status import STATUS
from attendance.services.sign_in import check_is_not_merged
from attendance.web.errors import page_of
from users.errors import AccountMerged
from users.models import User
from users.wording import in_words

logger = logging.getLogger(__name__)

UNKNOWN = _(
    "Your campus knows you, and ATTN has no account with your number. Ask your staff to add you."
)
NO_NUMBER = _("Your campus did not say your school number. Tell your staff: they can see why.")
FAILED = _("Your campus could not confirm who you are. Try again, or use your password.")


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where signing in with the campus begins: a POST leads there, a GET asks for the POST."""
    if request.GET.get("process", AuthProcess.LOGIN) != AuthProcess.LOGIN:
        # allauth could link an account to the provider's: here the number alone counts.
        raise Http404
    return _with_campus(views.login, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the campus sends the browser back to."""
    return _with_campus(views.callback, request, provider_id)


def _with_campus(
    view: Callable[..., HttpResponse], request: HttpRequest, provider_id: str
) -> HttpResponse:
    try:
        return view(request, provider_id)
    except RequestException as error:
        logger.warning("The identity provider does not answer: %s", error)
        return page_of(request, "campus_sign_in_failed", gettext(FAILED), 502)


class CampusAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """A person of the provider is a user of ATTN by their school number, or nobody."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        number = _number_in(sociallogin.account.extra_data)
        if not number:
            logger.error("The claim %r is missing or empty.", settings.CAMPUS.number_claim)
            _refuse(request, "campus_number_missing", NO_NUMBER, 403)
        try:
            sociallogin.user = User.objects.get_by_natural_key(number)
            check_is_not_merged(sociallogin.user)
        except User.DoesNotExist:
            _refuse(request, "campus_account_unknown", UNKNOWN, 403)
        except AccountMerged as error:
            page = page_of(request, error.code, in_words(error), STATUS[error.code])
            raise ImmediateHttpResponse(page) from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(redirect("account_login"))
        if exception is not None:
            logger.warning("The identity provider: %s", exception)
        _refuse(request, "campus_sign_in_failed", FAILED, 401)


def _number_in(claims: dict[str, Any]) -> str:
    """The claim, from the provider's answer about the person or from the id token."""
    for part in ("userinfo", "id_token"):
        claim = (claims.get(part) or {}).get(settings.CAMPUS.number_claim)
        if isinstance(claim, str | int) and str(claim).strip():
            return str(claim)
    return ""


def _refuse(request: HttpRequest, code: str, detail: str, status: int) -> NoReturn:
    raise ImmediateHttpResponse(page_of(request, code, gettext(detail), status))
