"""One student in one lesson, for those who run it: what happened, why, and a form to change it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from attendance.errors import AttendanceError, Conflict, RecordNotFound
from attendance.http_status import STATUS
from attendance.rules.precedence import is_outranked
from attendance.selectors.access import check_may_change, check_may_see
from attendance.selectors.registers import HistoryView, find_history
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.services import ids, reads
from attendance.services.access import limits
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import CorrectionForm
from attendance.web.request_ids import request_id_of
from attendance.wording.lessons import history
from attendance.wording.why import reason_shown, why, zone_of
from users.errors import AttnError
from users.wording import in_words


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@running_lessons
def record(request: HttpRequest, lesson_id: UUID, school_number: str) -> HttpResponse:
    """One student in one lesson: what happened, and a form to change it."""
    view = _visible_history(request, lesson_id, school_number)
    form, status, conflict = None, 200, False
    if request.method == "POST":
        limits.count_change(person_of(request).school_number)
        form = CorrectionForm(request.POST)
        try:
            if form.is_valid():
                _correct(request, view.lesson, school_number, form.cleaned_data)
                return redirect("board", lesson_id=lesson_id)
            status = 400
        except AttendanceError as error:
            form.add_error(None, in_words(error))
            status, conflict = STATUS.get(error.code, 500), isinstance(error, Conflict)
            view = _visible_history(request, lesson_id, school_number)
    if view.record is None:
        raise RecordNotFound
    if form is None:
        verdict = request.GET.get("verdict", "")
        form = CorrectionForm(initial={**_revision_seen(view.record), "verdict": verdict})
    elif conflict:
        # The form keeps its values; the next try corrects the present revision.
        form.data = {**request.POST.dict(), **_revision_seen(view.record)}
    context = _context(request, view, view.record) | {"form": form, "is_conflict": conflict}
    with timezone.override(zone_of(view.lesson)):
        return render(request, "attendance/pages/record.html", context, status=status)


def _context(request: HttpRequest, view: HistoryView, shown: RegisterRecord) -> dict[str, Any]:
    return {
        "lesson": view.lesson,
        "record": shown,
        "reason": reason_shown(shown),
        "why": why(shown, view.lesson, view.events),
        "history": history(shown, view.events),
        "is_outranked": _is_outranked(request, view.lesson, shown),
    }


def _visible_history(request: HttpRequest, lesson_id: UUID, school_number: str) -> HistoryView:
    """One student in the lesson, for those who run it and staff. Raises LessonNotFound."""
    view = find_history(lesson_id, school_number)
    check_may_see(person_of(request), view.lesson)
    reads.note_record(person_of(request), view.lesson, school_number)
    return view


def _is_outranked(request: HttpRequest, lesson: LessonBrief, shown: RegisterRecord) -> bool:
    """Whether a word of whoever looks would leave the record as it is."""
    try:
        source = check_may_change(person_of(request), lesson)
    except AttnError:
        return False
    return is_outranked(source, by=shown.source)


def _revision_seen(shown: RegisterRecord) -> dict[str, Any]:
    return {"expected_revision": shown.revision, "request_id": ids.new_request_id()}


def _correct(
    request: HttpRequest, lesson: LessonBrief, school_number: str, fields: dict[str, Any]
) -> None:
    after = correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=school_number,
            verdict=Verdict(fields["verdict"]),
            actor=person_of(request),
            reason=fields["reason"],
            request_id=request_id_of(request),
            expected_revision=fields["expected_revision"],
        )
    )
    if _is_outranked(request, lesson, after):
        words = _(
            "Staff decided the mark of %(name)s, so it stays as it is. What you said is kept in "
            "its history. Ask your staff to change it."
        )
        messages.warning(request, words % {"name": after.full_name})
