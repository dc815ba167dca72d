"""Where one is signed in: one's own sessions and tokens, and a button that ends each."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from attendance.web.callers import caller_of, signed_in
from attendance.wording.browsers import browser_in_words
from users.callers import Caller
from users.errors import TokenNotFound
from users.own_sessions import end_session, key_of, sessions_of
from users.own_tokens import end_token, tokens_of


@require_safe
@signed_in()
def signed_in_places(request: HttpRequest) -> HttpResponse:
    """The sessions and tokens that open the account of the caller now."""
    caller = _caller(request)
    own = sessions_of(caller, current=request.session.session_key or "")
    context = {
        "sessions": [(each, browser_in_words(each.browser)) for each in own],
        "tokens": tokens_of(caller),
    }
    return render(request, "account/signed_in.html", context)


@require_POST
@signed_in()
def end_one_session(request: HttpRequest, session_id: str) -> HttpResponse:
    """End a session of one's own; ending this one is signing out."""
    key = key_of(_caller(request).user_id, session_id)
    if key is None:
        raise Http404
    if key == request.session.session_key:
        logout(request)
        return redirect("account_login")
    end_session(_caller(request).user_id, key)
    messages.success(request, _("That session has ended."))
    return redirect("signed-in")


@require_POST
@signed_in()
def end_one_token(request: HttpRequest, token_id: str) -> HttpResponse:
    """End a token of one's own."""
    try:
        end_token(_caller(request).user_id, token_id)
    except TokenNotFound:
        raise Http404 from None
    messages.success(request, _("That token has ended."))
    return redirect("signed-in")


def _caller(request: HttpRequest) -> Caller:
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return caller
