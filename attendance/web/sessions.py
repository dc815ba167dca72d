"""Around every page: a session that has ended leads to a page, never into a part of one."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from attendance.http_bodies import is_call
from attendance.web import unsent
from attendance.web.signed_out import page_of_address, page_with
from users.callers import Caller

METHOD_NOT_ALLOWED = 405


class SessionsEnd:
    """Middleware: answers that would surprise a browser whose session has ended, or was another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if is_call(request):
            return response
        caller: Caller | None = request.__dict__.get("attn_caller")
        if caller is not None:
            unsent.remember(request, response, caller.user_id)
            unsent.drop_if_sent(request, response, caller.user_id)
        return _as_page(request, response)


def _as_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if response.status_code == METHOD_NOT_ALLOWED and request.method in {"GET", "HEAD"}:
        page = page_of_address(request.path)
        return redirect(page) if page else response
    if isinstance(response, HttpResponseRedirect) and "HX-Request" in request.headers:
        whole = HttpResponseClientRedirect(response.url)
        whole.cookies = response.cookies
        return whole
    return response


def csrf_failure(request: HttpRequest, reason: str) -> HttpResponse:
    """The token of the page is old: somebody has signed in since it was loaded."""
    page = page_with(request)
    if "HX-Request" in request.headers:
        words = _("Nothing was changed: you signed in after this page was loaded. Do it again.")
        messages.warning(request, words)
        return HttpResponseClientRedirect(page)
    context = {"page": page, "has_no_cookie": reason == REASON_NO_CSRF_COOKIE}
    return render(request, "403_csrf.html", context, status=403)
