"""A limit for what the forms of pages send, applied before a body is read."""

from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from attendance.http_bodies import Allowance, NoFiles, NotRead, allowance_of, is_call, refusal_of
from attendance.web.callers import caller_of
from attendance.web.errors import page_of, unavailable
from attendance.web.signed_out import to_sign_in
from courses.vocabulary import MEGABYTE, MOST_EVIDENCE_TOGETHER


class LimitForms:
    """Middleware: refuse a form that is too large, or of unknown length, before it is read.

    Whoever looks for its token would read all of it first. Files are read from those alone who
    are signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_call(request):
            return self.get_response(request)
        allowance = allowance_of(request)
        refused = _refused(request, allowance)
        if refused is not None:
            return refused
        if not allowance.takes_files:
            request.upload_handlers = [NoFiles(request)]
        return self.get_response(request)


def _refused(request: HttpRequest, allowance: Allowance) -> HttpResponse | None:
    match refusal_of(request, allowance.most_bytes):
        case NotRead.TOO_LARGE:
            return page_of(request, "body_too_large", _too_large(allowance), 413)
        case NotRead.NO_LENGTH:
            detail = _("This form came without its length. Load the page and send it again.")
            return page_of(request, "length_required", detail, 411)
    return _to_sign_in(request) if allowance.takes_files else None


def _to_sign_in(request: HttpRequest) -> HttpResponse | None:
    """Files of strangers are not read."""
    try:
        is_known = caller_of(request) is not None
    except DatabaseError:
        return unavailable(request)
    return None if is_known else to_sign_in(request, is_read=False)


def _too_large(allowance: Allowance) -> str:
    if not allowance.takes_files:
        return _("This form is too large. Go back and send less at once.")
    text = _("Files have at most %(most)d MB together. Go back and choose smaller ones.")
    return text % {"most": MOST_EVIDENCE_TOGETHER // MEGABYTE}
