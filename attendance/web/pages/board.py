"""One lesson as its teacher sees it, live and afterwards: the register, and what can be done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.errors import AttendanceError, Conflict, LessonNotFound, RecordNotFound
from attendance.http_status import STATUS
from attendance.live.refusals import RefusedCheckIn
from attendance.selectors import registers
from attendance.selectors.lessons import find_lesson
from attendance.selectors.permissions import check_may_see
from attendance.selectors.shapes import LessonView, RegisterRecord
from attendance.services import ids
from attendance.services import lessons as lesson_services
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import LessonState, Refusal, Status, Verdict
from attendance.web import stream
from attendance.web.callers import person_of, signed_in
from attendance.web.forms import AddForm, CorrectionForm
from attendance.wording.lessons import STATES, history
from users.identity import Role

_HERE = {Status.PRESENT, Status.LATE}
_TO_DECIDE = {Status.PENDING}
TABS = {"all": None, "here": _HERE, "decide": _TO_DECIDE}
EXTEND_MINUTES = (5, 15)
NO_CONTENT = 204


def visible(request: HttpRequest, lesson_id: UUID) -> LessonView:
    """The lesson, for its teacher and staff. Raises LessonNotFound."""
    lesson = find_lesson(lesson_id)
    check_may_see(person_of(request), lesson.teacher.school_number)
    return lesson


@never_cache
@require_safe
@signed_in(Role.TEACHER, Role.STAFF)
def board(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The whole page; its rows are also served alone."""
    lesson = visible(request, lesson_id)
    context = _rows(request, lesson) | {
        "add_form": AddForm(initial={"request_id": ids.new_request_id()}),
        "stream_url": stream.url_for(lesson_id) if lesson.state == LessonState.LIVE else "",
        "extend_minutes": EXTEND_MINUTES,
        "request_id": ids.new_request_id(),
    }
    return render(request, "attendance/pages/board.html", context)


@never_cache
@require_safe
@signed_in(Role.TEACHER, Role.STAFF)
def rows(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """The rows alone; nothing where the browser has the newest ones."""
    context = _rows(request, visible(request, lesson_id))
    if request.GET.get("known") == context["known"]:
        return HttpResponse(status=NO_CONTENT)
    return render(request, "attendance/pages/board_rows.html", context)


def _rows(request: HttpRequest, lesson: LessonView) -> dict[str, Any]:
    register, refused = _register(lesson)
    tab = request.GET.get("tab", "all")
    tab = tab if tab in TABS else "all"
    search = request.GET.get("search", "").strip().casefold()
    kept = [r for r in register.records if not r.is_deleted]
    known = {r.school_number for r in kept}
    open_refusals = [r for r in refused if r.school_number not in known]
    wanted = TABS[tab]
    shown = [r for r in kept if wanted is None or r.status in wanted]
    if search:
        shown = [r for r in shown if search in f"{r.school_number} {r.full_name}".casefold()]
    words = STATES[LessonState(lesson.state)]
    left = max(lesson.ends_at - timezone.now(), timedelta(0))
    return {
        "lesson": lesson,
        "state": words,
        "is_live": lesson.state == LessonState.LIVE,
        "is_lost": lesson.state == LessonState.LOST,
        "is_open": lesson.state in {LessonState.LIVE, LessonState.SCHEDULED},
        "records": sorted(shown, key=lambda r: r.changed_at, reverse=True),
        "deleted": [r for r in register.records if r.is_deleted],
        "refusals": [(r, Refusal(r.code).label) for r in open_refusals],
        "tab": tab,
        "search": request.GET.get("search", ""),
        "counts": _counts(kept, len(open_refusals)),
        "minutes_left": -(-int(left.total_seconds()) // 60),
        "known": f"{register.revision}-{sum(r.times for r in refused)}-{lesson.state}",
    }


def _register(lesson: LessonView) -> tuple[registers.RegisterView, list[RefusedCheckIn]]:
    """Of a lesson that is lost there may be nothing, and its page still says what to do."""
    try:
        register = registers.find_register(lesson.id)
        return register, list(registers.find_refusals(lesson.id).refusals)
    except LessonNotFound:
        if lesson.state != LessonState.LOST:
            raise
        return registers.RegisterView(lesson.teacher.school_number, 0, []), []


def _counts(records: list[RegisterRecord], refused: int) -> dict[str, int]:
    by = {name: sum(r.status in wanted for r in records) for name, wanted in TABS.items() if wanted}
    by["decide"] += refused
    return by | {"all": len(records)}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(Role.TEACHER, Role.STAFF)
def record(request: HttpRequest, lesson_id: UUID, school_number: str) -> HttpResponse:
    """One student in one lesson: what happened, and a form to change it."""
    lesson = visible(request, lesson_id)
    form, status, conflict = None, 200, False
    if request.method == "POST":
        form = CorrectionForm(request.POST)
        try:
            if form.is_valid():
                _correct(request, lesson_id, school_number, form.cleaned_data)
                return _back(request, lesson_id)
            status = 400
        except AttendanceError as error:
            form.add_error(None, gettext(error.detail))
            status, conflict = STATUS.get(error.code, 500), isinstance(error, Conflict)
    found = _find(lesson_id, school_number)
    if form is None:
        form = CorrectionForm(initial=_seen(found))
    elif conflict:
        # What was wanted stays in the form; what is there now is what the next try is about.
        form.data = {**request.POST.dict(), **_seen(found)}
    events = registers.find_events(lesson_id).events
    context = {
        "lesson": lesson,
        "record": found,
        "history": history(found, events),
        "form": form,
        "is_conflict": conflict,
    }
    return render(request, "attendance/pages/record.html", context, status=status)


def _find(lesson_id: UUID, school_number: str) -> RegisterRecord:
    records = registers.find_register(lesson_id).records
    found = next((r for r in records if r.school_number == school_number.upper()), None)
    if found is None:
        raise RecordNotFound
    return found


def _seen(found: RegisterRecord) -> dict[str, Any]:
    return {"expected_revision": found.revision, "request_id": ids.new_request_id()}


def _correct(
    request: HttpRequest, lesson_id: UUID, school_number: str, given: dict[str, Any]
) -> None:
    correct_record(
        Correction(
            lesson_id,
            school_number,
            Verdict(given["verdict"]),
            person_of(request),
            reason=given.get("reason", ""),
            full_name=given.get("full_name", ""),
            request_id=given["request_id"],
            expected_revision=given.get("expected_revision"),
        )
    )


@require_POST
@signed_in(Role.TEACHER, Role.STAFF)
def add(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Add a student, or accept one who was refused."""
    visible(request, lesson_id)
    form = AddForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data | {"verdict": Verdict.ACCEPT}
        _correct(request, lesson_id, given.pop("school_number"), given)
        return _back(request, lesson_id)
    context = _rows(request, visible(request, lesson_id)) | {"add_form": form}
    return render(request, "attendance/pages/board.html", context, status=400)


@require_POST
@signed_in(Role.TEACHER, Role.STAFF)
def finish(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """End a lesson now; it is saved at once where that is possible."""
    visible(request, lesson_id)
    lesson_services.finish_lesson(
        lesson_id, actor=person_of(request), request_id=request.POST.get("request_id", "")
    )
    return redirect("board", lesson_id=lesson_id)


@require_POST
@signed_in(Role.TEACHER, Role.STAFF)
def extend(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Give a lesson some minutes more."""
    lesson = visible(request, lesson_id)
    minutes = request.POST.get("minutes", "")
    more = int(minutes) if minutes in map(str, EXTEND_MINUTES) else EXTEND_MINUTES[0]
    lesson_services.extend_lesson(
        lesson_id,
        lesson.ends_at + timedelta(minutes=more),
        actor=person_of(request),
        request_id=request.POST.get("request_id", ""),
    )
    return redirect("board", lesson_id=lesson_id)


def _back(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    return redirect("board", lesson_id=lesson_id)
