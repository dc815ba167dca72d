"""Errors as problem+json (RFC 9457), with a stable code."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    JsonResponse,
)
from django.urls import resolve
from django.views import defaults
from rest_framework import exceptions

from attendance.http_status import STATUS, as_shown
from users.errors import AttnError

CONTENT_TYPE = "application/problem+json"
PREFIX = "/api/"
RETRY_SECONDS = 5

_FIELDS = {
    "invalid_school_number": "school_number",
    "invalid_full_name": "full_name",
    "invalid_window": "ends_at",
    "reason_required": "reason",
    "invalid_receipt": "receipt",
    "person_erased": "receipt",
    "receipt_expired": "receipt",
    "lesson_deleted": "receipt",
    "invalid_reason": "reason",
    "merge_with_oneself": "into",
    "absence_backwards": "ends_at",
    "absence_too_long": "ends_at",
    "absence_reason_not_found": "reason",
    "reason_not_for_you": "reason",
    "why_required": "why",
    "invalid_policy": "absent_after_s",
    "policy_needs_plan": "planned",
}
"""Which field a domain error is about."""

_SIGN_IN_AGAIN = {"invalid_credentials", "second_factor_missing", "second_factor_wrong"}

_FRAMEWORK_DETAILS = {
    400: "The request cannot be read. Compare it with the schema.",
    403: "You may not do this.",
    404: "There is nothing at this address. Compare it with the schema.",
    500: "Something broke on our side. It is written down; try again later.",
}


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JsonResponse:
    """One problem as a response."""
    title = code.replace("_", " ").capitalize()
    body = {"type": f"urn:attn:problem:{code}", "title": title, "status": status}
    body |= {"detail": detail, "code": code, **more}
    response = JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)
    response["Cache-Control"] = "no-store"
    return response


def of_error(error: Exception, *, has_precondition: bool = False) -> JsonResponse | None:
    """The problem that an error of ATTN or of the database stands for, or None."""
    if isinstance(error, OperationalError | InterfaceError):
        detail = "PostgreSQL cannot be reached. Try again in a moment."
        return _unavailable("database_unavailable", detail)
    if not isinstance(error, AttnError):
        return None
    error = as_shown(error)
    code, detail, context = error.code, error.detail, error.context
    if code == "conflict" and has_precondition:
        return problem(412, code, detail)
    status = STATUS.get(code, 500)
    field = _FIELDS.get(code)
    if field:
        context["errors"] = [{"field": field, "code": code, "detail": detail}]
    if status in {429, 503}:
        return _unavailable(code, detail, status=status, **context)
    if code in _SIGN_IN_AGAIN:
        return problem(401, code, detail, headers={"WWW-Authenticate": "Token"})
    return problem(status, code, detail, **context)


def _unavailable(code: str, detail: str, *, status: int = 503, **context: Any) -> JsonResponse:
    seconds = context.pop("retry_after", RETRY_SECONDS)
    return problem(status, code, detail, headers={"Retry-After": str(seconds)}, **context)


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """REST framework's hook: the problem of a view's error, or None where it is raised again."""
    # Imported late: that module reads settings which name modules that import this one.
    from rest_framework.views import set_rollback

    request = context["request"]
    has_precondition = bool({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"} & set(request.META))
    response = of_error(error, has_precondition=has_precondition) or of_framework(error)
    if response is not None:
        set_rollback()
    return response


def of_framework(error: Exception) -> JsonResponse | None:
    """The problem that an error of the framework stands for, or None."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if isinstance(error, exceptions.ValidationError):
        errors = list(field_errors(error.detail))
        detail = "Some fields are not right: see errors."
        return problem(error.status_code, "invalid_input", detail, errors=errors)
    code = str(getattr(error.detail, "code", None) or error.default_code)
    return problem(error.status_code, code, str(error.detail), headers=headers)


def field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Each error of a field, by the path to the field."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            field = "" if name == "non_field_errors" else str(name)
            yield from field_errors(inner, ".".join(filter(None, (path, field))))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for inner in detail:
            yield from field_errors(inner, path)
    else:
        yield {
            "field": path,
            "code": str(getattr(detail, "code", "invalid")),
            "detail": str(detail),
        }


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "Send the CSRF token with a session, or use a token instead of it."
    return problem(403, "csrf_failed", detail)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _framework(request, 400) or defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _framework(request, 403) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _framework(request, 404) or defaults.page_not_found(request, exception)


def no_such_address(request: HttpRequest) -> HttpResponse:
    """Below /api/; a call without the last slash is not sent on, its body would be lost."""
    is_address = resolve(f"{request.path_info}/").func is not no_such_address
    if not is_address:
        return problem(404, "not_found", _FRAMEWORK_DETAILS[404])
    if request.method in {"GET", "HEAD"}:
        return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
    return problem(404, "not_found", "The address of a call ends with a slash. Add it.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _framework(request, 500) or defaults.server_error(request)


def _framework(request: HttpRequest, status: int) -> HttpResponse | None:
    if not request.path.startswith(PREFIX):
        return None
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    return problem(status, code, _FRAMEWORK_DETAILS[status])
