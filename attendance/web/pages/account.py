"""One's own account: who it is, the password, the second factor, signing out everywhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from attendance.web.callers import caller_of, signed_in
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
