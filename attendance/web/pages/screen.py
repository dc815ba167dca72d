"""The projector's page: the code, how many are here, the time left. No names."""

from textwrap import wrap
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.live.codes import TYPED_LETTERS
from attendance.qr import qr_svg
from attendance.selectors.screens import find_code
from attendance.services.access.addresses import site_of
from attendance.vocabulary import LessonState, Status
from attendance.web.callers import running_lessons
from attendance.web.pages.board import visible


@never_cache
@require_safe
@running_lessons
def screen(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """A window of its own for the projector."""
    return render(request, "attendance/pages/screen.html", _context(request, lesson_id))


@never_cache
@require_safe
@running_lessons
def code(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The changing part of the screen alone."""
    context = _context(request, lesson_id) | {"is_part": True}
    return render(request, "attendance/pages/screen_code.html", context)


def _context(request: HttpRequest, lesson_id: UUID) -> dict[str, Any]:
    lesson = visible(request, lesson_id)
    here = lesson.counts.get(Status.PRESENT, 0) + lesson.counts.get(Status.LATE, 0)
    minutes = -(-int((lesson.ends_at - timezone.now()).total_seconds()) // 60)
    context = {"lesson": lesson, "here": here, "minutes_left": max(minutes, 0), "is_open": False}
    is_over = lesson.state not in {LessonState.LIVE, LessonState.SCHEDULED}
    if is_over or lesson.not_held_reason:
        return context
    shown_code = find_code(lesson_id)
    site = site_of(request)
    url = f"{site}/c/{shown_code.short_code}/{shown_code.code.whole}".upper()
    remaining = shown_code.code.valid_until - timezone.now()
    return context | {
        "is_open": True,
        "short_code": shown_code.short_code,
        "typed": wrap(shown_code.code.typed, TYPED_LETTERS) if "code" in lesson.checks else [],
        # Drawn here, from an address that is ours.
        "qr": mark_safe(qr_svg(url)),  # noqa: S308
        # `valid_until` is by Redis's clock, which may differ from ours.
        "valid_seconds": min(max(remaining.total_seconds(), 1), 2 * settings.CODE_SECONDS),
        "code_seconds": settings.CODE_SECONDS,
        "where": f"{site.partition('://')[2]}/c",
    }
