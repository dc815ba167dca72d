"""One lesson as its teacher sees it, live and afterwards: the register and its actions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.errors import AttendanceError, Conflict, RecordNotFound
from attendance.http_status import STATUS
from attendance.selectors.access import check_may_see
from attendance.selectors.boards import Board, find_board
from attendance.selectors.lessons import find_lesson
from attendance.selectors.registers import HistoryView, find_history
from attendance.selectors.shapes import LessonView, RegisterRecord
from attendance.services import ids, lessons
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import LessonState, Refusal, Status, Verdict
from attendance.web import stream
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import AddForm, CorrectionForm
from attendance.wording.lessons import STATES, history
from users.wording import in_words

_HERE = {Status.PRESENT, Status.LATE}
_TO_DECIDE = {Status.PENDING}
TABS = {"all": None, "here": _HERE, "decide": _TO_DECIDE}
EXTEND_MINUTES = (5, 15)
NO_CONTENT = 204


def visible(request: HttpRequest, lesson_id: UUID) -> LessonView:
    """The lesson, for its teacher and staff. Raises LessonNotFound."""
    lesson = find_lesson(lesson_id)
    check_may_see(person_of(request), lesson)
    return lesson


def _visible_board(request: HttpRequest, lesson_id: UUID, *, version: str = "") -> Board:
    """The lesson's board, for its teacher and staff. Raises LessonNotFound."""
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
        "request_id": ids.new_request_id(),
    }
    return render(request, "attendance/pages/board.html", context, status=status)


@never_cache
@require_safe
@running_lessons
def rows(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The rows alone; 204 where the browser has the newest ones."""
    board = _visible_board(request, lesson_id, version=request.GET.get("known", ""))
    if board.is_unchanged:
        return HttpResponse(status=NO_CONTENT)
    return render(request, "attendance/pages/board_rows.html", _rows(request, board))


def _rows(request: HttpRequest, board: Board) -> dict[str, Any]:
    lesson = board.lesson
    tab = request.GET.get("tab", "all")
    tab = tab if tab in TABS else "all"
    records = [r for r in board.records if not r.is_deleted]
    recorded = {r.school_number for r in records}
    open_refusals = [r for r in board.refusals if r.school_number not in recorded]
    remaining = max(lesson.ends_at - timezone.now(), timedelta(0))
    matches = _search(records, tab, request.GET.get("search", ""))
    return {
        "lesson": lesson,
        "state": STATES[LessonState(lesson.state)],
        "is_live": lesson.state == LessonState.LIVE,
        "is_lost": lesson.state == LessonState.LOST,
        "is_open": lesson.state in {LessonState.LIVE, LessonState.SCHEDULED},
        "records": sorted(matches, key=lambda r: r.changed_at, reverse=True),
        "deleted": [r for r in board.records if r.is_deleted],
        "refusals": [(r, Refusal(r.code).label) for r in open_refusals],
        "tab": tab,
        "search": request.GET.get("search", ""),
        "counts": _counts(records, len(open_refusals)),
        "minutes_left": -(-int(remaining.total_seconds()) // 60),
        "known": board.version,
    }


def _search(records: list[RegisterRecord], tab: str, search: str) -> list[RegisterRecord]:
    """The records of one tab in whose number or name the text stands."""
    statuses, text = TABS[tab], search.strip().casefold()
    return [
        r
        for r in records
        if (statuses is None or r.status in statuses)
        and text in f"{r.school_number} {r.full_name}".casefold()
    ]


def _counts(records: list[RegisterRecord], refused: int) -> dict[str, int]:
    counts = {
        name: sum(r.status in statuses for r in records)
        for name, statuses in TABS.items()
        if statuses
    }
    counts["decide"] += refused
    return counts | {"all": len(records)}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@running_lessons
def record(request: HttpRequest, lesson_id: UUID, school_number: str) -> HttpResponse:
    """One student in one lesson: what happened, and a form to change it."""
    history_view = _visible_history(request, lesson_id, school_number)
    form, status, conflict = None, 200, False
    if request.method == "POST":
        form = CorrectionForm(request.POST)
        try:
            if form.is_valid():
                _correct(request, lesson_id, school_number, form.cleaned_data)
                return _back(request, lesson_id)
            status = 400
        except AttendanceError as error:
            form.add_error(None, in_words(error))
            status, conflict = STATUS.get(error.code, 500), isinstance(error, Conflict)
            history_view = _visible_history(request, lesson_id, school_number)
    if history_view.record is None:
        raise RecordNotFound
    if form is None:
        form = CorrectionForm(initial=_revision_seen(history_view.record))
    elif conflict:
        # The form keeps its values; the next try corrects the present revision.
        form.data = {**request.POST.dict(), **_revision_seen(history_view.record)}
    context = {
        "lesson": history_view.lesson,
        "record": history_view.record,
        "history": history(history_view.record, history_view.events),
        "form": form,
        "is_conflict": conflict,
    }
    return render(request, "attendance/pages/record.html", context, status=status)


def _visible_history(request: HttpRequest, lesson_id: UUID, school_number: str) -> HistoryView:
    """One student in the lesson, for its teacher and staff. Raises LessonNotFound."""
    view = find_history(lesson_id, school_number)
    check_may_see(person_of(request), view.lesson)
    return view


def _revision_seen(record: RegisterRecord) -> dict[str, Any]:
    return {"expected_revision": record.revision, "request_id": ids.new_request_id()}


def _correct(
    request: HttpRequest, lesson_id: UUID, school_number: str, fields: dict[str, Any]
) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=school_number,
            verdict=Verdict(fields["verdict"]),
            actor=person_of(request),
            reason=fields.get("reason", ""),
            full_name=fields.get("full_name", ""),
            request_id=fields["request_id"],
            expected_revision=fields.get("expected_revision"),
        )
    )


@require_POST
@running_lessons
def add(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Add a student, or accept one who was refused."""
    board = _visible_board(request, lesson_id)
    form = AddForm(request.POST)
    if form.is_valid():
        fields = form.cleaned_data | {"verdict": Verdict.ACCEPT}
        _correct(request, lesson_id, fields.pop("school_number"), fields)
        return _back(request, lesson_id)
    return _page(request, board, add_form=form, status=400)


@require_POST
@running_lessons
def finish(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """End a lesson now; it is saved at once where that is possible."""
    visible(request, lesson_id)
    lessons.finish_lesson(
        lesson_id, actor=person_of(request), request_id=request.POST.get("request_id", "")
    )
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def extend(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Give a lesson some minutes more."""
    lesson = visible(request, lesson_id)
    minutes = request.POST.get("minutes", "")
    more = int(minutes) if minutes in map(str, EXTEND_MINUTES) else EXTEND_MINUTES[0]
    lessons.extend_lesson(
        lesson_id,
        lesson.ends_at + timedelta(minutes=more),
        actor=person_of(request),
        request_id=request.POST.get("request_id", ""),
    )
    return redirect("board", lesson_id=lesson_id)


def _back(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    return redirect("board", lesson_id=lesson_id)
