"""One's own account: who it is, the password, the second factor, signing out everywhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from attendance.web import unsent
from attendance.web.callers import caller_of, signed_in
from attendance.web.signed_out import page_with
from reports.digest.choice import is_wanted_by
from users.models import User
from users.notices import mark_seen, notices_of
from users.security_log import recent_of
from users.tokens import revoke_everywhere


@require_safe
@signed_in()
def account(request: HttpRequest) -> HttpResponse:
    """What the site stores about the caller, and what they can change."""
    own_id = _id_of(request)
    user = User.objects.get(pk=own_id)
    context = {
        "notices": notices_of(own_id),
        "recent": recent_of(own_id),
        "has_password": user.has_usable_password(),
        "wants_digest": is_wanted_by(user),
    }
    return render(request, "account/account.html", context)


@require_POST
@signed_in()
def seen(request: HttpRequest) -> HttpResponse:
    """The notices of the account were read; they stay on its page for a while."""
    mark_seen(_id_of(request))
    return redirect("account")


@require_POST
@signed_in()
def everywhere(request: HttpRequest) -> HttpResponse:
    """End every session and every token of one's own, this one too."""
    revoke_everywhere(_id_of(request))
    request.session.flush()
    return redirect("account_login")


def _id_of(request: HttpRequest) -> int:
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return caller.user_id


@require_POST
@signed_in()
def drop_unsent(request: HttpRequest) -> HttpResponse:
    """What was kept when a session had ended is not wanted any more."""
    answer = redirect(page_with(request))
    unsent.drop(request, answer, _id_of(request))
    return answer
