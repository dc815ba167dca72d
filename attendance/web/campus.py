"""Signing in with the campus's identity provider: it says who somebody is, ATTN what they may do.

It makes no account: the number that the provider names must be that of a user. Nothing of it is
stored, so each sign-in depends on what the provider says then.
"""

import logging
from typing import Any, NoReturn, cast

from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import (
    OAuth2CallbackView,
    OAuth2LoginView,
    OAuth2View,
)
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from requests import RequestException

from attendance.http_status import STATUS
from attendance.services.access.sign_in import check_is_not_merged
from attendance.web import campus_people
from attendance.web.campus_protocol import CampusProtocol
from attendance.web.errors import page_of
from users import second_factor, security_log
from users.errors import AccountMerged, InvalidFullName
from users.models import SecurityKind, User
from users.proofs import CAMPUS_BACKEND
from users.security_log import Details
from users.wording import in_words

logger = logging.getLogger(__name__)

UNKNOWN = _(
    "Your campus knows you, and ATTN has no account with your number. Ask your staff to add you."
)
NO_NUMBER = _("Your campus did not say your school number. Tell your staff: they can see why.")
NO_NAME = _("Your campus did not say your name. Tell your staff: they can see why.")
FAILED = _("Your campus could not confirm who you are. Try again, or use your password.")


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where signing in with the campus begins: a POST leads there, a GET asks for the POST."""
    if request.GET.get("process", AuthProcess.LOGIN) != AuthProcess.LOGIN:
        # allauth could link an account to the provider's: here the number alone counts.
        raise Http404
    return _with_campus(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the campus sends the browser back to."""
    return _with_campus(OAuth2CallbackView, request, provider_id)


def _with_campus(view: type[OAuth2View], request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer = view.adapter_view(CampusProtocol(request, provider_id))
        return cast(HttpResponse, answer(request))
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except RequestException as error:
        logger.warning("The identity provider does not answer: %s", error)
    except OAuth2Error as error:
        logger.warning("The identity provider: %s", error)
        return page_of(request, "campus_sign_in_failed", gettext(FAILED), 401)
    except (AttributeError, KeyError, TypeError, ValueError):
        logger.exception("The identity provider's answer cannot be understood")
    return page_of(request, "campus_sign_in_failed", gettext(FAILED), 502)


class CampusAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """A person of the provider is a user of ATTN by their school number, or nobody."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        number = campus_people.number_in(sociallogin.account.extra_data)
        if not number:
            logger.error("The claim %r holds no number.", settings.CAMPUS.number_claim)
            _refuse(request, "campus_number_missing", NO_NUMBER, 403)
        try:
            sociallogin.user = campus_people.find_or_make(number, sociallogin.account.extra_data)
            check_is_not_merged(sociallogin.user)
            if not sociallogin.user.is_active:
                # allauth says so on a page of its own.
                _note_failure("account_inactive", user=sociallogin.user)
        except User.DoesNotExist:
            _note_failure("campus_account_unknown", typed=number)
            _refuse(request, "campus_account_unknown", UNKNOWN, 403)
        except InvalidFullName:
            logger.warning("The claim 'name' holds no name.")
            _refuse(request, "campus_name_missing", NO_NAME, 403)
        except AccountMerged as error:
            _note_failure(error.code, user=sociallogin.user)
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


def _note_failure(code: str, *, typed: str = "", user: User | None = None) -> None:
    security_log.write(
        SecurityKind.SIGN_IN_FAILED,
        subject_id=user.pk if user else None,
        typed=typed,
        details=Details(door="campus", code=code),
    )


@receiver(user_logged_in)
def _keep_door(request: HttpRequest, user: User, **more: Any) -> None:
    """The session is of the campus's door; a factor that the campus has asked for counts, where the
    site says so.
    """
    login = more.get("sociallogin")
    if login is None:
        return
    request.session[BACKEND_SESSION_KEY] = CAMPUS_BACKEND
    if campus_people.has_shown_factor(login.account.extra_data):
        request.session[second_factor.SESSION_KEY] = user.pk


def _refuse(request: HttpRequest, code: str, detail: str, status: int) -> NoReturn:
    raise ImmediateHttpResponse(page_of(request, code, gettext(detail), status))
