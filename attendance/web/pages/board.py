"""One lesson as those who run it see it, live and afterwards: the register and its actions."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import ReasonRequired
from attendance.rules import instants
from attendance.selectors.access import check_may_see
from attendance.selectors.boards import Board, find_board
from attendance.selectors.lessons import find_lesson
from attendance.selectors.shapes import LessonView
from attendance.services import closing, ids, lessons, limits, not_held
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import LessonState, Verdict
from attendance.web import board_rows, stream
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import AddForm
from attendance.web.request_ids import request_id_of
from attendance.wording.lessons import STATES
from attendance.wording.why import zone_of
from users.errors import AttnError
from users.searching import clean_search
from users.wording import in_words

EXTEND_MINUTES = (5, 15)
NO_CONTENT = 204
_DIGITS_OF_AN_INSTANT = 13
"""Epoch milliseconds, until the year 2286."""


def visible(request: HttpRequest, lesson_id: UUID) -> LessonView:
    """The lesson, for those who run it and staff. Raises LessonNotFound."""
    lesson = find_lesson(lesson_id)
    check_may_see(person_of(request), lesson)
    return lesson


def _visible_board(request: HttpRequest, lesson_id: UUID, *, version: str = "") -> Board:
    """The lesson's board, for those who run it and staff. Raises LessonNotFound."""
    board = find_board(lesson_id, version=version)
    check_may_see(person_of(request), board.lesson)
    return board


@never_cache
@require_safe
@running_lessons
def board(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The whole page; its rows are also served alone."""
    return _page(request, _visible_board(request, lesson_id))


def _page(
    request: HttpRequest, board: Board, *, add_form: AddForm | None = None, status: int = 200
) -> HttpResponse:
    lesson = board.lesson
    context = _rows(request, board) | {
        "add_form": add_form or AddForm(initial={"request_id": ids.new_request_id()}),
        "stream_url": stream.url_for(lesson.id) if lesson.state == LessonState.LIVE else "",
        "extend_minutes": EXTEND_MINUTES,
        "ends_at_ms": instants.milliseconds(lesson.ends_at),
    }
    with timezone.override(zone_of(lesson)):
        return render(request, "attendance/pages/board.html", context, status=status)


@never_cache
@require_safe
@running_lessons
def rows(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The rows alone; 204 where the browser has the newest ones."""
    board = _visible_board(request, lesson_id, version=request.GET.get("known", ""))
    if board.is_unchanged:
        return HttpResponse(status=NO_CONTENT)
    return _rows_alone(request, board)


def _rows_alone(request: HttpRequest, board: Board, **said: Any) -> HttpResponse:
    context = _rows(request, board) | said | {"is_alone": True}
    with timezone.override(zone_of(board.lesson)):
        return render(request, "attendance/pages/board_rows.html", context)


def _rows(request: HttpRequest, board: Board) -> dict[str, Any]:
    lesson = board.lesson
    asked = request.POST if request.method == "POST" else request.GET
    tab, search = board_rows.tab_of(asked.get("tab", "")), clean_search(asked.get("search", ""))
    shown = board_rows.rows_of(board, tab=tab, search=search)
    remaining = max(lesson.ends_at - timezone.now(), timedelta(0))
    return {
        "lesson": lesson,
        "state": STATES[LessonState(lesson.state)],
        "is_live": lesson.state == LessonState.LIVE,
        "is_lost": lesson.state == LessonState.LOST,
        "is_open": lesson.state in {LessonState.LIVE, LessonState.SCHEDULED},
        "is_roster_open": board.is_roster_open,
        "unreadable": board.unreadable,
        "has_roster": lesson.section is not None,
        "shown": shown,
        "refusals": shown.refusals,
        "counts": shown.counts,
        "tab": tab,
        "search": search,
        "minutes_left": -(-int(remaining.total_seconds()) // 60),
        "known": board.version,
        "request_id": ids.new_request_id(),
    }


@require_POST
@running_lessons
def add(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Add a student, or accept one who was refused."""
    board = _visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    form = AddForm(request.POST)
    if not form.is_valid():
        return _page(request, board, add_form=form, status=400)
    fields = form.cleaned_data
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=fields["school_number"],
            verdict=Verdict.ACCEPT,
            actor=person_of(request),
            full_name=fields["full_name"],
            request_id=request_id_of(request),
        )
    )
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def present(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """One click: a student of the roster is here, by the name that the roster has."""
    seen = _visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    number = request.POST.get("school_number", "")
    # A second click finds the student among those who are here, by the same name.
    names = {person.school_number: person.full_name for person in seen.missing}
    names |= {record.school_number: record.full_name for record in seen.records}
    correction = Correction(
        lesson_id=lesson_id,
        school_number=number,
        verdict=Verdict.ACCEPT,
        actor=person_of(request),
        full_name=names.get(number, ""),
        request_id=request_id_of(request),
    )
    if not request.headers.get("HX-Request"):
        name = correct_record(correction).full_name
        messages.success(request, _("%(name)s is marked present.") % {"name": name})
        return redirect(f"{reverse('board', args=[lesson_id])}?{_place(request)}")
    try:
        said: dict[str, Any] = {"said": correct_record(correction)}
    except AttnError as error:
        said = {"problem": in_words(error)}
    return _rows_alone(request, _visible_board(request, lesson_id), **said)


def _place(request: HttpRequest) -> str:
    """The tab and the search of the board that a form was sent from."""
    return urlencode({name: request.POST.get(name, "") for name in ("tab", "search")})


@require_POST
@running_lessons
def finish(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """End a lesson now; it is saved at once where that is possible."""
    visible(request, lesson_id)
    lessons.finish_lesson(lesson_id, actor=person_of(request), request_id=request_id_of(request))
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def extend(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Give a lesson some minutes more."""
    lesson = visible(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    minutes = request.POST.get("minutes", "")
    more = int(minutes) if minutes in map(str, EXTEND_MINUTES) else EXTEND_MINUTES[0]
    lessons.extend_lesson(
        lesson_id,
        _end_that_was_shown(request, lesson) + timedelta(minutes=more),
        actor=person_of(request),
        request_id=request_id_of(request),
    )
    return redirect("board", lesson_id=lesson_id)


def _end_that_was_shown(request: HttpRequest, lesson: LessonView) -> datetime:
    """From which minutes are counted: then a second click asks for the same end."""
    shown = request.POST.get("ends_at", "")
    if not (shown.isascii() and shown.isdigit() and len(shown) <= _DIGITS_OF_AN_INSTANT):
        return lesson.ends_at
    return instants.instant(int(shown))


@require_POST
@running_lessons
def say_not_held(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The lesson is not held, and why; before it, during it and afterwards."""
    visible(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    reason = request.POST.get("reason", "")
    try:
        not_held.say_not_held(
            lesson_id, actor=person_of(request), reason=reason, request_id=request_id_of(request)
        )
    except ReasonRequired as error:
        messages.error(request, in_words(error))
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def say_held(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """It was held after all."""
    visible(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    not_held.say_held(lesson_id, actor=person_of(request), request_id=request_id_of(request))
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def close(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Mark everybody who was expected at a stored lesson and has no mark."""
    visible(request, lesson_id)
    closed = closing.close_roster(
        lesson_id, actor=person_of(request), request_id=request_id_of(request)
    )
    words = ngettext(
        "%(n)d student is marked as missing.",
        "%(n)d students are marked as missing.",
        closed.marked_absent,
    )
    messages.success(request, words % {"n": closed.marked_absent})
    return redirect("board", lesson_id=lesson_id)
