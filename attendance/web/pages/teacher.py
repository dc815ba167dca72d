"""A teacher's lessons: live, waiting and past; and starting one."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import AttendanceError, LessonAlreadyLive
from attendance.http_status import STATUS
from attendance.live import store
from attendance.rules.permissions import MAY_TEACH
from attendance.rules.window import DEFAULT_MINUTES
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import LessonView
from attendance.services import ids
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.vocabulary import LessonState, Status
from attendance.web.callers import person_of, signed_in
from attendance.web.forms import StartForm
from attendance.web.keys import key_of
from attendance.wording.lessons import STATES, StateWords
from users.identity import Person, Role
from users.wording import in_words

_NOW = (LessonState.LIVE, LessonState.SCHEDULED)
_SAVED = (LessonState.PERSISTED, LessonState.DISCARDED)


@require_safe
@signed_in(*MAY_TEACH)
def lessons(request: HttpRequest) -> HttpResponse:
    """A teacher's own lessons; staff see all, and search."""
    page = _page(request)
    form = StartForm(initial=_like_the_last(page.items, person_of(request)))
    return render(request, "attendance/pages/lessons.html", _context(request, page, form))


def _page(request: HttpRequest) -> Page[LessonView]:
    person = person_of(request)
    number = "" if person.role is Role.STAFF else person.school_number
    criteria = LessonFilter(number, search=request.GET.get("search", "").strip()[:100])
    return list_lessons(
        criteria, Slice(before=key_of(request, "before"), after=key_of(request, "after"), limit=30)
    )


def _context(request: HttpRequest, page: Page[LessonView], form: StartForm) -> dict[str, Any]:
    groups = {
        _("Waiting to be saved"): [x for x in page.items if x.state not in (*_NOW, *_SAVED)],
        _("Past"): [x for x in page.items if x.state in _SAVED],
    }
    return {
        "page": page,
        "now": _rows(x for x in page.items if x.state in _NOW),
        "now_title": _("Now"),
        "groups": {title: _rows(lessons) for title, lessons in groups.items() if lessons},
        "form": form,
        "search": request.GET.get("search", ""),
    }


def _rows(lessons: Iterable[LessonView]) -> list[tuple[LessonView, StateWords, Any]]:
    return [(x, STATES[LessonState(x.state)], _counts(x)) for x in lessons]


def _counts(lesson: LessonView) -> list[tuple[str, int]]:
    return [(str(s.label), lesson.counts[s]) for s in Status if lesson.counts.get(s)]


def _like_the_last(items: Any, person: Person) -> dict[str, Any]:
    """Initial values from the newest own lesson, so that the next one takes two clicks."""
    own = (x for x in items if x.teacher.school_number == person.school_number)
    last = next(own, None)
    initial: dict[str, Any] = {"request_id": ids.new_request_id(), "minutes": DEFAULT_MINUTES}
    if last is None:
        return initial | {"checks": ["code"], "late_after_minutes": 10}
    length = round((last.ends_at - last.starts_at).total_seconds() / 60)
    return initial | {
        "lesson_name": last.lesson_name,
        # A lesson that was finished early was planned to be longer.
        "minutes": max(length, DEFAULT_MINUTES),
        "late_after_minutes": last.late_after_minutes,
        "checks": list(last.checks),
    }


@require_POST
@signed_in(*MAY_TEACH)
def start(request: HttpRequest) -> HttpResponse:
    """Start a lesson now and go to its board; sent twice, it is one lesson."""
    form, status = StartForm(request.POST), 400
    teacher = person_of(request)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        request_id = fields.pop("request_id")
        try:
            lesson = start_lesson(LessonPlan(**fields), teacher=teacher, request_id=request_id)
            return redirect("board", lesson_id=lesson.id)
        except LessonAlreadyLive as error:
            running, status = store.teachers_lesson(teacher.school_number), STATUS[error.code]
            form.add_error(None, in_words(error))
            form.running = running  # type: ignore[attr-defined]
        except AttendanceError as error:
            status = STATUS.get(error.code, 500)
            form.add_error(None, in_words(error))
    context = _context(request, _page(request), form)
    return render(request, "attendance/pages/lessons.html", context, status=status)
