"""One lesson as those who run it see it, live and afterwards: the register and its actions."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import NameDiffers, ReasonRequired
from attendance.rules import instants
from attendance.selectors.access import check_may_see
from attendance.selectors.boards import Board, find_board
from attendance.selectors.lessons import find_lesson
from attendance.selectors.shapes import LessonView
from attendance.services import ids, lessons, reads
from attendance.services.access import limits
from attendance.services.rosters import closing, not_held
from attendance.vocabulary import LessonState, Verdict
from attendance.web import board_rows, people_rows, said_of_several, stream
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import AddForm
from attendance.web.request_ids import request_id_of
from attendance.wording.lessons import STATES
from attendance.wording.presets import REASONS
from attendance.wording.why import zone_of
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


def visible_board(request: HttpRequest, lesson_id: UUID, *, version: str = "") -> Board:
    """The lesson's board, for those who run it and staff. Raises LessonNotFound."""
    board = find_board(lesson_id, version=version)
    check_may_see(person_of(request), board.lesson)
    reads.note_register(person_of(request), board.lesson)
    return board


@never_cache
@require_safe
@running_lessons
def board(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The whole page; its rows are also served alone."""
    return page(request, visible_board(request, lesson_id))


def page(
    request: HttpRequest,
    board: Board,
    *,
    add_form: AddForm | None = None,
    differs: NameDiffers | None = None,
    status: int = 200,
) -> HttpResponse:
    """The board with a form to add somebody, which keeps what was typed."""
    lesson = board.lesson
    context = rows_context(request, board)
    context |= {
        "differs": differs.values if differs else None,
        "add_form": add_form or AddForm(initial={"request_id": ids.new_request_id()}),
        "of_several": said_of_several.take(request, lesson.id),
        "stream_url": stream.url_for(lesson.id) if context["is_open"] else "",
    }
    with timezone.override(zone_of(lesson)):
        return render(request, "attendance/pages/board.html", context, status=status)


@never_cache
@require_safe
@running_lessons
def rows(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The rows alone; 204 where the browser has the newest ones."""
    board = visible_board(request, lesson_id, version=request.GET.get("known", ""))
    if board.is_unchanged:
        return HttpResponse(status=NO_CONTENT)
    return rows_alone(request, board)


def rows_alone(request: HttpRequest, board: Board, **said: Any) -> HttpResponse:
    """The rows as a part of the page, and what was said or found beside them."""
    context = rows_context(request, board) | said | {"is_alone": True}
    with timezone.override(zone_of(board.lesson)):
        return render(request, "attendance/pages/board_rows.html", context)


def rows_context(request: HttpRequest, board: Board) -> dict[str, Any]:
    """What the rows show, and the people who are found to be added."""
    lesson = board.lesson
    asked = request.POST if request.method == "POST" else request.GET
    tab, search = board_rows.tab_of(asked.get("tab", "")), clean_search(asked.get("search", ""))
    find = clean_search(asked.get("find", ""))
    sort = board_rows.sort_of(asked.get("sort", ""))
    select = "1" if asked.get("select") else ""
    shown = board_rows.rows_of(board, tab=tab, search=search, sort=sort)
    context: dict[str, Any] = {
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
        "sort": sort,
        "select": select,
        "place": urlencode({"tab": tab, "search": search, "sort": sort, "select": select}),
        "reasons": REASONS[Verdict.EXCUSE],
        "find": find,
        "found": people_rows.find_people(board, find),
        "minutes_left": board.minutes_left,
        "extend_minutes": EXTEND_MINUTES,
        "ends_at_ms": instants.milliseconds(lesson.ends_at),
        "known": board.version,
        "request_id": ids.new_request_id(),
    }
    # What the buttons of the page depend on: they are sent again where it is not what they show.
    names = ("is_open", "is_lost", "is_roster_open", "ends_at_ms")
    buttons = "-".join(str(int(context[name])) for name in names) + lesson.not_held_reason[:1]
    was = asked.get("buttons", "")
    return context | {"buttons": buttons, "has_new_buttons": was not in {"", buttons}}


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
