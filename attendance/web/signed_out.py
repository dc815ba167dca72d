"""What becomes of a request whose session has ended, and which page has a form."""

from typing import Final
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from attendance.web import unsent

PAGE_OF: Final = {
    "start": "lessons",
    **dict.fromkeys(
        (
            "rows",
            "add",
            "mark",
            "everyone-else",
            "ticked",
            "undo-several",
            "finish",
            "extend",
            "not-held",
            "held",
            "close-roster",
            "people",
        ),
        "board",
    ),
    "screen-code": "screen",
    "switch": "check-in",
    "roster-import-preview": "roster-import",
    "report-case": "report-cases",
    "approve-absences": "absences",
    "take-back-absence": "absences",
    "withdraw-absence": "my-absences",
    "sign-out-everywhere": "account",
    "notices-seen": "account",
    "digest-choice": "account",
    "end-session": "signed-in",
    "end-token": "signed-in",
    "drop-unsent": "home",
    "invite-slips": "invite",
    "invite-mail": "invite",
    "operations-figures": "operations",
    "operations-persist": "operations",
    "admin:attendance_quarantine_retry": "admin:attendance_quarantinedpayload_change",
}
"""For each address that takes only a POST, or gives a part of a page: the page that has it."""


def page_with(request: HttpRequest) -> str:
    """The page of ours that this request was sent from, or that has its form."""
    before = request.headers.get("HX-Current-URL", "")
    if not before and request.method == "POST":
        before = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(
        before, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    parts = urlsplit(before)
    if not (is_ours and parts.netloc):
        return _shown_at(request.get_full_path())
    path = escape_leading_slashes(parts.path)
    return _shown_at(f"{path}?{parts.query}" if parts.query else path)


def page_of_address(path: str) -> str:
    """The page of an address that has none of its own; '' for all others."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    page = PAGE_OF.get(match.view_name)
    if page is None:
        return ""
    try:
        return reverse(page, args=list(match.kwargs.values()))
    except NoReverseMatch:
        # The page shows all of them, and its address names none.
        return reverse(page)


def _shown_at(address: str) -> str:
    path = urlsplit(address).path
    return page_of_address(path) or address


def to_sign_in(request: HttpRequest, *, is_read: bool = True) -> HttpResponse:
    """Ask for a sign-in that leads back to the page, with what was sent where that is possible.

    `is_read`: whether the body may be read; files of strangers are not.
    """
    page = page_with(request)
    is_kept = is_read and request.method == "POST" and unsent.keep(request, page)
    # Followed by a script, the sign-in page would be put into the page that asked.
    is_part = "HX-Request" in request.headers
    answer = HttpResponseClientRedirect(page) if is_part else redirect_to_login(page)
    if request.method == "POST":
        messages.warning(request, _said(is_kept=is_kept))
    if is_kept:
        unsent.flag(answer)
    return answer


def _said(*, is_kept: bool) -> str:
    if is_kept:
        return _("Your session had ended, so nothing was changed. What you sent is kept: sign in.")
    return _("Your session had ended, so nothing was changed. Sign in, and do it again.")
