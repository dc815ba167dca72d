"""A teacher's lessons: live, waiting and past; and starting one."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import LessonAlreadyLive
from attendance.http_status import STATUS
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.rules.permissions import MAY_TEACH
from attendance.rules.window import DEFAULT_MINUTES
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import LessonView
from attendance.selectors.taught import Taught, lessons_seen_by, taught_now
from attendance.services import ids
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.vocabulary import Check, LessonState, Status
from attendance.web.callers import numbers_of, person_of, running_lessons
from attendance.web.forms import StartForm
from attendance.web.keys import key_of
from attendance.web.request_ids import request_id_of
from attendance.wording.lessons import STATES, StateWords
from attendance.wording.policies import of_arrivals
from courses.models import Policy, Section
from users.errors import AttnError
from users.identity import Person, Role
from users.searching import clean_search
from users.wording import in_words

_NOW = (LessonState.LIVE, LessonState.SCHEDULED)
_SAVED = (LessonState.PERSISTED, LessonState.DISCARDED)
_SECTION_KEY: Final = re.compile(r"#([1-9][0-9]{0,17})", re.ASCII)


@require_safe
@running_lessons
def lessons(request: HttpRequest) -> HttpResponse:
    """The lessons that somebody runs; staff see all, and search."""
    page, taught = _page(request), _taught(request)
    form = StartForm(initial=_initial(page.items, taught, person_of(request)))
    return _render(request, page, taught, form)


def _page(request: HttpRequest) -> Page[LessonView]:
    part = Slice(before=key_of(request, "before"), after=key_of(request, "after"), limit=30)
    search = clean_search(request.GET.get("search", ""))
    numbers = numbers_of(request)
    return lessons_seen_by(person_of(request), part, numbers=numbers, search=search)


def _taught(request: HttpRequest) -> Taught:
    return taught_now(person_of(request), at=timezone.now())


def _render(
    request: HttpRequest,
    page: Page[LessonView],
    taught: Taught,
    form: StartForm,
    *,
    status: int = 200,
) -> HttpResponse:
    if taught.sections:
        form.fields["lesson_name"].help_text = _("Left empty, it is the title of the course.")
        form.fields["late_after_minutes"].help_text = _("Left empty, the rule of the course holds.")
    groups = {
        _("Waiting to be saved"): [x for x in page.items if x.state not in (*_NOW, *_SAVED)],
        _("Past"): [x for x in page.items if x.state in _SAVED],
    }
    context = {
        "page": page,
        "now": _rows(x for x in page.items if x.state in _NOW),
        "now_title": _("Now"),
        "groups": {title: _rows(lessons) for title, lessons in groups.items() if lessons},
        "form": form,
        "choices": [(f"#{each.pk}", each, _rule_in_words(each)) for each in taught.sections],
        "chosen": form["section"].value() or "",
        "may_start_without": person_of(request).role in MAY_TEACH,
        "search": clean_search(request.GET.get("search", "")),
    }
    return render(request, "attendance/pages/lessons.html", context, status=status)


def _rule_in_words(section: Section) -> str:
    return " ".join(of_arrivals(section.policy or Policy()))


def _rows(lessons: Iterable[LessonView]) -> list[tuple[LessonView, StateWords, Any]]:
    return [(x, STATES[LessonState(x.state)], _counts(x)) for x in lessons]


def _counts(lesson: LessonView) -> list[tuple[str, int]]:
    return [(str(s.label), lesson.counts[s]) for s in Status if lesson.counts.get(s)]


def _initial(items: Sequence[LessonView], taught: Taught, person: Person) -> dict[str, Any]:
    """Initial values, so that the next lesson takes one click, or two without a course.

    Those of the last lesson of the likely course, or else of the newest own lesson without one.
    """
    initial: dict[str, Any] = {"request_id": ids.new_request_id(), "minutes": DEFAULT_MINUTES}
    if taught.likely_id is not None:
        last = next((x for x in items if x.section and x.section.id == taught.likely_id), None)
        return initial | {"section": f"#{taught.likely_id}"} | _like(last)
    own = (x for x in items if x.teacher.school_number == person.school_number and not x.section)
    last = next(own, None)
    late_after = last.late_after_minutes if last else None if taught.sections else 10
    name = {"lesson_name": last.lesson_name} if last else {}
    return initial | name | {"late_after_minutes": late_after} | _like(last)


def _like(last: LessonView | None) -> dict[str, Any]:
    """What a lesson asks for and how long it is, as in the last one."""
    if last is None:
        return {"checks": [Check.CODE.value]}
    length = round((last.ends_at - last.starts_at).total_seconds() / 60)
    # A lesson that was finished early was planned to be longer.
    return {"minutes": max(length, DEFAULT_MINUTES), "checks": list(last.checks)}


@require_POST
@running_lessons
def start(request: HttpRequest) -> HttpResponse:
    """Start a lesson now and go to its board; sent twice, it is one lesson."""
    form, status = StartForm(_sent(request)), 400
    teacher = person_of(request)
    if form.is_valid():
        fields = dict(form.cleaned_data)
        del fields["request_id"]
        request_id = request_id_of(request, fields.items())
        try:
            lesson = start_lesson(LessonPlan(**fields), teacher=teacher, request_id=request_id)
            _say_joined(request, lesson, request_id)
            return redirect("board", lesson_id=lesson.id)
        except LessonAlreadyLive as error:
            running, status = store.teachers_lesson(teacher.school_number), STATUS[error.code]
            form.add_error(None, in_words(error))
            form.running = running  # type: ignore[attr-defined]
        except AttnError as error:
            status = STATUS.get(error.code, 500)
            form.add_error(None, in_words(error))
    return _render(request, _page(request), _taught(request), form, status=status)


def _sent(request: HttpRequest) -> QueryDict:
    """What was sent; a button with a course alone means a lesson like the last one of it."""
    match = _SECTION_KEY.fullmatch(request.POST.get("section", ""))
    if match is None or "minutes" in request.POST:
        return request.POST
    taught = {section.pk for section in _taught(request).sections}
    if int(match[1]) not in taught and person_of(request).role is not Role.STAFF:
        return request.POST
    criteria = LessonFilter(section_ids=frozenset({int(match[1])}))
    last = next(iter(list_lessons(criteria, Slice(limit=1)).items), None)
    sent = request.POST.copy()
    sent["minutes"] = str(DEFAULT_MINUTES)
    for name, value in _like(last).items():
        sent.setlist(name, value if isinstance(value, list) else [str(value)])
    return sent


def _say_joined(request: HttpRequest, lesson: LiveLesson, request_id: str) -> None:
    if lesson.data.section is None or lesson.data.request_id == request_id:
        return
    words = _("%(name)s was live already: you joined it. %(who)s started it.")
    who = lesson.data.teacher.full_name
    messages.success(request, words % {"name": lesson.data.lesson_name, "who": who})
