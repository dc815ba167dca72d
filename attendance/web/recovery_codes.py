"""allauth's pages of recovery codes; that somebody has seen them is written down."""

from typing import Any

from allauth.mfa.recovery_codes import views
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from attendance.web.callers import caller_of
from users import security_log
from users.models import SecurityKind

HIDDEN = {"****"}
"""What allauth shows where its owner has not shown the factor again."""


def view(request: HttpRequest) -> HttpResponse:
    """The codes that are left."""
    return _noted(request, views.view_recovery_codes(request))


def download(request: HttpRequest) -> HttpResponse:
    """The same as a file."""
    return _noted(request, views.download_recovery_codes(request))


def _noted(request: HttpRequest, answer: Any) -> HttpResponse:
    caller = caller_of(request)
    if caller is not None and isinstance(answer, TemplateResponse):
        shown = set((answer.context_data or {}).get("unused_codes", ()))
        if shown - HIDDEN:
            security_log.write(SecurityKind.RECOVERY_CODES_SEEN, subject_id=caller.user_id)
    result: HttpResponse = answer
    return result
