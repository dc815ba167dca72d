"""A lesson without phones: the roll is called name by name, or ticked on paper."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from attendance.selectors.boards import Board
from attendance.services import ids
from attendance.services.access import limits
from attendance.vocabulary import Verdict
from attendance.web import board_rows
from attendance.web.board_row import BoardRow
from attendance.web.callers import person_of, running_lessons
from attendance.web.pages import board as boards
from attendance.web.pages.marking import asked_of, say
from attendance.wording.presets import REASONS
from attendance.wording.why import zone_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@running_lessons
def roll(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """One name at a time: whoever has no mark yet, in the order of the names."""
    board = boards.visible_board(request, lesson_id)
    if request.method == "POST":
        limits.count_change(person_of(request).school_number)
        asked = asked_of(request.POST.get("mark", ""))
        say(request, board, asked)
        here = reverse("roll", args=[lesson_id])
        is_undo = asked.verdict == Verdict.UNDO
        return redirect(here if is_undo else f"{here}?{urlencode({'after': asked.number})}")
    rows = _by_name(board)
    waiting = [row for row in rows if not row.status]
    shown = _next(rows, after=request.GET.get("after", ""))
    return _page(
        request,
        board,
        "attendance/pages/roll.html",
        row=shown,
        place=rows.index(shown) + 1 if shown else 0,
        total=len(rows),
        left=len(waiting),
        last=next((row for row in rows if row.school_number == request.GET.get("after")), None),
        reasons=REASONS[Verdict.EXCUSE],
        request_id=ids.new_request_id(),
    )


@never_cache
@require_safe
@running_lessons
def on_paper(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The register to be printed: a box for each status, ticked where there is a mark."""
    board = boards.visible_board(request, lesson_id)
    return _page(request, board, "attendance/pages/register_print.html", rows=_by_name(board))


def _by_name(board: Board) -> Sequence[BoardRow]:
    groups = board_rows.rows_of(board, tab=board_rows.ALL, search="", sort="name").groups
    return [row for group in groups for row in group.rows]


def _next(rows: Sequence[BoardRow], *, after: str) -> BoardRow | None:
    """The first without a mark behind somebody; from the beginning where nobody is left there."""
    numbers = [row.school_number for row in rows]
    start = numbers.index(after) + 1 if after in numbers else 0
    return next((row for row in [*rows[start:], *rows[:start]] if not row.status), None)


def _page(request: HttpRequest, board: Board, template: str, **values: Any) -> HttpResponse:
    with timezone.override(zone_of(board.lesson)):
        return render(request, template, {"lesson": board.lesson, **values})
