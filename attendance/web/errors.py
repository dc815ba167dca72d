"""Errors of services as pages: the same codes and words as in the API."""

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from attendance.errors import AttendanceError
from attendance.http_status import HIDDEN, STATUS
from users.errors import UserError

RETRY_SECONDS = 5


class ErrorPages:
    """Middleware: whatever a page's view raises becomes a page that says what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError | InterfaceError):
            return unavailable(request)
        if not isinstance(error, AttendanceError | UserError):
            return None
        code = HIDDEN.get(error.code, error.code)
        return _page(request, code, gettext(error.detail), STATUS.get(code, 500))


def unavailable(request: HttpRequest) -> HttpResponse:
    """PostgreSQL does not answer, and this page needs it."""
    return _page(request, "database_unavailable", "", 503)


def _page(request: HttpRequest, code: str, detail: str, status: int) -> HttpResponse:
    context: dict[str, Any] = {"code": code, "detail": detail, "status": status}
    response = render(request, "attendance/pages/error.html", context, status=status)
    response["Cache-Control"] = "no-store"
    if status in {429, 503}:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response
