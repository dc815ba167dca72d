"""A student's way in: the QR code's link or a typed code, one button, a result to show."""

import math
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.errors import AttendanceError, LessonClosed, LessonNotFound, LiveStoreUnavailable
from attendance.http_status import STATUS, as_shown
from attendance.live import codes, store
from attendance.live.payloads import LiveLesson
from attendance.rules.permissions import MAY_CHECK_IN
from attendance.selectors import own, shapes
from attendance.selectors.own import OwnRecord
from attendance.selectors.shapes import RegisterRecord
from attendance.services import receipts, scans, shared_devices
from attendance.services.access import limits
from attendance.services.access.addresses import address_of
from attendance.services.access.devices import device_of_request
from attendance.services.access.limits import Scanner
from attendance.services.check_in import CheckedIn, Given, check_in
from attendance.vocabulary import Check, Status
from attendance.web.callers import caller_of, numbers_of, person_of, signed_in
from attendance.wording import check_ins
from attendance.wording.why import reason_of_person, why, zone_of
from users.callers import Caller
from users.errors import gettext_noop as _

SCAN = "attn_scan"
"""Cookie with a kept scan; a session would be written to PostgreSQL, which may be away."""

_SPENDS_THE_SCAN = frozenset(
    {"code_wrong", "code_expired", "scan_not_yours", "too_many_wrong_codes"}
)
"""Refusals after which the scan that was kept helps nobody: the page asks for the code again."""

RELOAD_SECONDS = 10
CODE_PAGE = "attendance/pages/type_code.html"
REFUSED_PAGE = "attendance/pages/refused.html"


@never_cache
@require_safe
def link(request: HttpRequest, short: str, code: str) -> HttpResponse:
    """What the phone's camera opens: it keeps the scan and redirects; it makes no mark."""
    return _keep_scan(request, short.upper(), code.upper())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def type_code(request: HttpRequest) -> HttpResponse:
    """For those whose camera does not help: type the eight letters of the screen."""
    if request.method != "POST":
        return render(request, CODE_PAGE)
    code = codes.clean_code(request.POST.get("code", ""))
    return _keep_scan(request, codes.short_part(code), code)


def _keep_scan(request: HttpRequest, short: str, code: str) -> HttpResponse:
    try:
        lesson = store.lesson_by_code(short) if short else None
        if lesson is None and short and store.is_code_over(short):
            raise LessonClosed
        if lesson is None:
            raise LessonNotFound(_("No lesson has this code now. Look at the screen again."))
        scan = None
        if Check.CODE in lesson.data.checks:
            caller = _caller(request)
            scan = scans.keep_scan(
                lesson.id, code, scanner=_scanner(request, caller), caller=caller
            )
    except AttendanceError as error:
        return _refusal_page(request, error, CODE_PAGE)
    answer = _with_device(request, redirect("check-in", lesson_id=lesson.id))
    if scan is not None:
        _keep_cookie(answer, SCAN, scan.scan, scans.KEPT)
    return answer


def _scanner(request: HttpRequest, caller: Caller | None) -> Scanner:
    user_id = caller.user_id if caller else None
    return scans.scanner_of(address_of(request.META), device_of_request(request), user_id)


def _caller(request: HttpRequest) -> Caller | None:
    """Who scans, where that is known: a scan is kept while PostgreSQL is away as well."""
    try:
        return caller_of(request)
    except Error:
        return None


def _keep_cookie(answer: HttpResponse, name: str, value: str, kept: timedelta) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=kept,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _with_device(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The answer, with a cookie for a browser that has none: it shows marks of one device."""
    if not shared_devices.device_of(request.COOKIES):
        _keep_cookie(
            answer, shared_devices.COOKIE, shared_devices.new_device(), shared_devices.KEPT
        )
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(*MAY_CHECK_IN)
def here(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The lesson, one's own name, and one large button."""
    if request.method == "POST":
        return _check_in(request, lesson_id)
    try:
        lesson = store.read_lesson(lesson_id)
        mark = own.find_own(lesson_id, numbers_of(request))
    except LessonNotFound:
        # It is stored, or does not exist: the page of the mark says which.
        return redirect("my-mark", lesson_id=lesson_id)
    except LiveStoreUnavailable as error:
        return _refusal_page(request, error, REFUSED_PAGE, lesson_id=lesson_id)
    if mark is not None and not _may_say(mark.record, lesson):
        return redirect("my-mark", lesson_id=lesson_id)
    context = _of_lesson(request, lesson) | {"is_spoken_of": mark is not None, **_rejected(mark)}
    with timezone.override(zone_of(shapes.brief_of_live(lesson))):
        return _with_device(request, render(request, "attendance/pages/check_in.html", context))


def _may_say(record: RegisterRecord, lesson: LiveLesson) -> bool:
    """Whether a student of whom somebody has spoken can say "here".

    Their arrival is kept; of somebody who was rejected, the teacher sees that they tried again.
    """
    is_taken = lesson.takes_check_ins and lesson.data.not_held is None
    return is_taken and (record.checked_in_at is None or _is_rejected(record))


def _rejected(mark: OwnRecord | None) -> dict[str, Any]:
    if mark is None or not _is_rejected(mark.record):
        return {}
    words = check_ins.of_record(mark.record, mark.lesson)
    return {"rejected": words, "reason": reason_of_person(mark.record)}


def _is_rejected(record: RegisterRecord) -> bool:
    return record.is_deleted or record.status == Status.REJECTED


def _of_lesson(request: HttpRequest, lesson: LiveLesson) -> dict[str, Any]:
    state = "open" if lesson.takes_check_ins else "over" if lesson.is_over else "scheduled"
    if lesson.data.not_held is not None and not lesson.is_over:
        state = "not_held"
    scan = request.COOKIES.get(SCAN, "")
    waits = {"scheduled": RELOAD_SECONDS, "open": _seconds(lesson.ends_at - lesson.read_at)}
    until = min(scans.valid_until(scan, lesson.id) or lesson.ends_at, lesson.ends_at)
    return {
        "lesson": lesson,
        "state": state,
        "wants_code": Check.CODE in lesson.data.checks and not scan,
        "reload_seconds": waits.get(state),
        # A press that has no connection is sent until then: press.js.
        "seconds_left": _seconds(until - lesson.read_at),
    }


def _seconds(span: timedelta) -> int:
    """Whole seconds, begun ones counted: at the end a lesson is over."""
    return max(1, math.ceil(span.total_seconds()))


def _check_in(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    student = person_of(request)
    given = Given(
        scan=request.COOKIES.get(SCAN, ""),
        address=address_of(request.META),
        device=shared_devices.device_of(request.COOKIES),
        other_numbers=numbers_of(request)[1:],
    )
    try:
        limits.count_check_in(student.school_number)
        result = check_in(lesson_id, student=student, given=given)
    except AttendanceError as error:
        answer = _refusal_page(request, error, REFUSED_PAGE, lesson_id=lesson_id)
        if error.code in _SPENDS_THE_SCAN:
            answer.delete_cookie(SCAN)
        return answer
    answer = redirect("my-mark", lesson_id=lesson_id)
    if result.is_repeated:
        answer["Location"] += "?again=1"
    answer.delete_cookie(SCAN)
    return answer


@never_cache
@require_safe
@signed_in(*MAY_CHECK_IN)
def my_mark(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """One's own mark, large enough to be shown to the teacher; its receipt goes to the phone."""
    own_record = own.find_own(lesson_id, numbers_of(request))
    if own_record is None:
        context = {"lesson_id": lesson_id, "is_over": own.is_over(lesson_id)}
        return render(request, "attendance/pages/no_mark.html", context, status=404)
    check_in_result = CheckedIn(own_record.record, is_repeated=True, lesson=own_record.lesson)
    context = {
        "own": own_record,
        "outcome": check_ins.of_record(own_record.record, own_record.lesson),
        "why": why(own_record.record, own_record.lesson),
        "reason": reason_of_person(own_record.record),
        "is_again": request.GET.get("again") == "1",
        "receipt": receipts.issue(check_in_result),
        "reload_seconds": RELOAD_SECONDS if own_record.record.status == "pending" else None,
    }
    with timezone.override(zone_of(own_record.lesson)):
        return render(request, "attendance/pages/my_mark.html", context)


@never_cache
@require_POST
def switch(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Somebody else holds this phone: sign out, and come back to the same lesson."""
    request.session.flush()
    return redirect("check-in", lesson_id=lesson_id)


def _refusal_page(
    request: HttpRequest, error: AttendanceError, template: str, **context: Any
) -> HttpResponse:
    code = as_shown(error).code
    words = check_ins.of_error(error)
    if template == CODE_PAGE and isinstance(error, LiveStoreUnavailable):
        words = check_ins.NOT_KEPT
    context |= {"words": words, "code": code, "reload_seconds": words.reload_seconds}
    answer = render(request, template, context, status=STATUS.get(code, 500))
    wait = error.context.get("retry_after") or words.reload_seconds
    if wait:
        answer["Retry-After"] = str(wait)
    return answer
