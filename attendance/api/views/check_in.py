"""The check-in: a plain view, because REST framework would double its cost.

One round trip decides; PostgreSQL is asked once who shows a token, and not again for minutes.
schema.py describes the view by hand. Most check-ins with a token never come here:
attn_project/shortcut.py answers them with the same parts.
"""

import re
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from msgspec.structs import asdict
from rest_framework import exceptions

from attendance.api import problems
from attendance.api.callers import SCHEME, StudentOnly, check_is_through, identify
from attendance.services import receipts, shared_devices
from attendance.services.access import limits
from attendance.services.access.addresses import address_of
from attendance.services.check_in import CheckedIn, Given, check_in
from users.callers import Caller

LONGEST_CODE, LONGEST_SCAN = 40, 400
JSON = "application/json"
TRIED = "attn.check_in_error"
"""In the environment of a request that the shortcut has tried: the error that came of it."""
_FIELD = re.compile(r"`\$?\.?(\w*)`")


class CheckInBody(msgspec.Struct, forbid_unknown_fields=True):
    code: str = ""
    scan: str = ""


decode_body = msgspec.json.Decoder(CheckInBody).decode
"""Raises msgspec.MsgspecError, UnicodeError and RecursionError."""
_encode = msgspec.json.Encoder().encode


@csrf_exempt
def check_in_view(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Say "here": 201 the first time, 200 with the first record when repeated."""
    if request.method != "POST":
        detail = f'Method "{request.method}" not allowed.'
        return problems.problem(405, "method_not_allowed", detail, headers={"Allow": "POST"})
    try:
        return _check_in(request, lesson_id)
    except Exception as error:
        response = _problem(error)
        if response is None:
            raise
        return response


def _check_in(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    if TRIED in request.META:
        raise request.META[TRIED]
    caller = _student(request)
    body = _body(request)
    limits.count_check_in(caller.person.school_number)
    given = Given(code=body.code, scan=body.scan, address=address_of(request.META))
    given = given._replace(
        device=shared_devices.device_of(request.COOKIES), other_numbers=caller.other_numbers
    )
    result = check_in(lesson_id, student=caller.person, given=given)
    return HttpResponse(
        answer_of(result),
        status=200 if result.is_repeated else 201,
        content_type=JSON,
        headers={"Cache-Control": "no-store", "ETag": f'"{result.record.revision}"'},
    )


def _student(request: HttpRequest) -> Caller:
    caller = identify(request)
    if caller is None:
        raise exceptions.NotAuthenticated("Sign in first: send a token.")
    check_is_through(caller)
    if caller.person.role not in StudentOnly.roles:
        raise exceptions.PermissionDenied(StudentOnly.message, StudentOnly.code)
    return caller


def _body(request: HttpRequest) -> CheckInBody:
    raw = request.body
    if not raw:
        return CheckInBody()
    if request.content_type != JSON:
        raise exceptions.UnsupportedMediaType(request.content_type or "")
    try:
        body = decode_body(raw)
    except msgspec.ValidationError as error:
        match = _FIELD.search(str(error))
        code = "unknown_field" if "unknown field" in str(error) else "invalid"
        detail = exceptions.ErrorDetail(f"{error}.", code)
        raise exceptions.ValidationError({match[1] if match else "": [detail]}) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise exceptions.ParseError(f"JSON parse error - {error}.") from None
    if is_too_long(body):
        name = "code" if len(body.code) > LONGEST_CODE else "scan"
        raise exceptions.ValidationError({name: ["It is too long."]})
    return body


def is_too_long(body: CheckInBody) -> bool:
    """Whether no code and no scan can be as long as what was sent."""
    return len(body.code) > LONGEST_CODE or len(body.scan) > LONGEST_SCAN


def answer_of(result: CheckedIn) -> bytes:
    """The JSON that a check-in is answered with."""
    return _encode(_data(result))


def _data(result: CheckedIn) -> dict[str, object]:
    record, lesson, teacher = result.record, result.lesson, result.lesson.teacher
    return {
        "school_number": record.school_number,
        "full_name": record.full_name,
        "status": record.status,
        "checked_in_at": record.checked_in_at,
        "reason": record.reason,
        "source": record.source,
        "revision": record.revision,
        "is_deleted": record.is_deleted,
        "receipt": receipts.issue(result),
        "lesson": asdict(lesson)
        | {"teacher": {"school_number": teacher.school_number, "full_name": teacher.full_name}},
    }


def _problem(error: Exception) -> HttpResponse | None:
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        error.auth_header = SCHEME
    return problems.of_error(error) or problems.of_framework(error)
