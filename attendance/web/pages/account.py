"""One's own account: who it is, the password, the second factor, signing out everywhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from attendance.web import unsent
from attendance.web.callers import caller_of, signed_in
from attendance.web.signed_out import page_with
from users.tokens import revoke_everywhere


@require_safe
@signed_in()
def account(request: HttpRequest) -> HttpResponse:
    """What the site stores about the caller, and what they can change."""
    return render(request, "account/account.html")


@require_POST
@signed_in()
def everywhere(request: HttpRequest) -> HttpResponse:
    """End every session and every token of one's own, this one too."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    revoke_everywhere(caller.user_id)
    request.session.flush()
    return redirect("account_login")


@require_POST
@signed_in()
def drop_unsent(request: HttpRequest) -> HttpResponse:
    """What was kept when a session had ended is not wanted any more."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    answer = redirect(page_with(request))
    unsent.drop(request, answer, caller.user_id)
    return answer
