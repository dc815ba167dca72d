"""Errors of services as pages, with the same codes and messages as in the API."""

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from attendance.errors import LessonUnreadable
from attendance.http_status import STATUS, as_shown
from attendance.web.signed_out import page_with
from users.errors import AttnError
from users.wording import in_words

RETRY_SECONDS = 5
TRY_LATER = {429, 503}


class ErrorPages:
    """Middleware: an error of a page's view becomes a page that says what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, OperationalError | InterfaceError):
            return unavailable(request)
        if not isinstance(error, AttnError):
            return None
        problem = as_shown(error)
        return page_of(request, problem.code, in_words(problem), STATUS.get(problem.code, 500))


def unavailable(request: HttpRequest) -> HttpResponse:
    """PostgreSQL does not answer, and this page needs it."""
    return page_of(request, "database_unavailable", "", 503)


def page_of(request: HttpRequest, code: str, detail: str, status: int) -> HttpResponse:
    """An error as a page; a GET that may work soon reloads itself, a POST has a button for it."""
    context: dict[str, Any] = {"code": code, "detail": detail, "status": status}
    # Damaged data stays damaged until a person acts, so trying again does not help.
    is_over_soon = status in TRY_LATER and code != LessonUnreadable.code
    if request.method == "POST" or not is_over_soon:
        fields = _fields_to_repeat(request) if is_over_soon else []
        # What a GET has asked for is damaged: leading back to it would not help.
        back = page_with(request) if request.method == "POST" else reverse("home")
        context |= {"fields": fields, "back": back}
    else:
        context["reload_seconds"] = RETRY_SECONDS
    response = render(request, "attendance/pages/error.html", context, status=status)
    response["Cache-Control"] = "no-store"
    if is_over_soon:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _fields_to_repeat(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form that may be sent again: its request id makes it act once.

    One that came with files would come again without them.
    """
    if "request_id" not in request.POST or request.FILES:
        return []
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
