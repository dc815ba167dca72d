"""The roster of a course from a file: chosen, shown as a plan, applied as it was shown."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from attendance.http_status import STATUS
from attendance.web.callers import caller_of, signed_in
from attendance.web.forms import RosterApplyForm, RosterUploadForm
from attendance.wording import rosters
from courses.errors import CourseError, UploadMissing
from courses.services.rosters.brake import unusual_ends
from courses.services.rosters.plan import Action, PlannedRow
from courses.services.rosters.tables import as_csv, as_objects
from courses.services.rosters.uploads import (
    UploadedFile,
    Uploader,
    UploadPreview,
    apply_upload,
    keep_upload,
    preview_upload,
    section_of,
)
from courses.vocabulary import MOST_UPLOADED_BYTES, EnrolmentRole
from users import security_log
from users.errors import AttnError, UserError
from users.models import SecurityKind
from users.reading.text import read_bounded
from users.security_log import Details
from users.wording import in_words

SHOWN_ROWS = 200


def _uploader(request: HttpRequest, section_id: int) -> Uploader:
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return Uploader(section_id, caller.user_id, caller.person)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def choose(request: HttpRequest, section_id: int) -> HttpResponse:
    """Choose a file; it is kept, and its plan shown."""
    by, at, status = _uploader(request, section_id), timezone.now(), 200
    section = section_of(by, at=at)
    form = RosterUploadForm()
    if request.method == "POST":
        form, status = RosterUploadForm(request.POST, request.FILES), 400
        try:
            if form.is_valid():
                keep_upload(_file_of(form), by=by, at=at)
                return redirect("roster-import-preview", section_id=section_id)
        except (CourseError, UserError) as error:
            status = STATUS.get(error.code, 400)
            form.add_error("file", in_words(error))
    context = {"section": section, "form": form}
    return render(request, "attendance/pages/roster_import.html", context, status=status)


def _file_of(form: RosterUploadForm) -> UploadedFile:
    file = form.cleaned_data["file"]
    # A request may bring a file of any size: no more of it is held than is taken.
    content = read_bounded(file, most=MOST_UPLOADED_BYTES)
    return UploadedFile(name=file.name, content=content, encoding=form.cleaned_data["encoding"])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def preview(request: HttpRequest, section_id: int) -> HttpResponse:
    """What the kept file would do; sent back, that is applied."""
    by, at = _uploader(request, section_id), timezone.now()
    problem, status = "", 200
    try:
        if request.method == "POST":
            return _apply(request, by, at=at)
    except UploadMissing as error:
        return _choose_again(request, section_id, error)
    except CourseError as error:
        # Where there is nothing to show, that is an error of its own.
        problem, status = in_words(error), STATUS.get(error.code, 400)
    try:
        shown = preview_upload(by=by, at=at)
    except UploadMissing as error:
        return _choose_again(request, section_id, error)
    context = _context(request, shown) | {"problem": problem}
    return render(request, "attendance/pages/roster_preview.html", context, status=status)


def _apply(request: HttpRequest, by: Uploader, *, at: datetime) -> HttpResponse:
    form = RosterApplyForm(request.POST)
    wanted = form.cleaned_data if form.is_valid() else {}
    report = apply_upload(
        by=by, at=at, digest=wanted.get("digest", ""), allow_drop=wanted.get("allow_drop")
    )
    level = messages.ERROR if report.failed else messages.SUCCESS
    messages.add_message(request, level, rosters.in_words(report))
    # What failed is still kept, and shown as it is now.
    return redirect(
        "roster-import-preview" if report.failed else "course", section_id=by.section_id
    )


def _choose_again(request: HttpRequest, section_id: int, error: AttnError) -> HttpResponse:
    messages.error(request, in_words(error))
    return redirect("roster-import", section_id=section_id)


def _context(request: HttpRequest, shown: UploadPreview) -> dict[str, Any]:
    plan = shown.plan
    counts = plan.counts
    tabs = [(action, label, counts[action]) for action, label in rosters.ACTIONS.items()]
    present = [action for action, _label, count in tabs if count]
    wanted = request.GET.get("show", "")
    show = wanted if wanted in present else next(iter(present), Action.CREATE)
    rows = [row for row in plan.rows if row.action == show]
    return {
        "section": shown.section,
        "file_name": shown.name,
        "plan": plan,
        "tabs": [tab for tab in tabs if tab[2]],
        "show": show,
        "rows": _rows(rows[:SHOWN_ROWS]),
        "more": max(len(rows) - SHOWN_ROWS, 0),
        "notes": [note.detail for section in plan.sections for note in section.notes],
        "people": rosters.people_in_words(counts),
        "is_unusual": bool(unusual_ends(plan)),
        "enrolled": sum(section.enrolled for section in plan.sections),
    }


def _rows(rows: Iterable[PlannedRow]) -> list[tuple[PlannedRow, str]]:
    return [(row, str(EnrolmentRole(row.role).label) if row.role else "") for row in rows]


@never_cache
@require_safe
@signed_in()
def plan(request: HttpRequest, section_id: int, kind: str) -> HttpResponse:
    """The whole plan as a file, for a look at every row."""
    try:
        shown = preview_upload(by=_uploader(request, section_id), at=timezone.now())
    except UploadMissing as error:
        return _choose_again(request, section_id, error)
    if kind == "csv":
        answer = HttpResponse("".join(as_csv(shown.plan)), content_type="text/csv; charset=utf-8")
    elif kind == "json":
        text = json.dumps(as_objects(shown.plan), ensure_ascii=False)
        answer = HttpResponse(text, content_type="application/json")
    else:
        raise Http404
    security_log.write(SecurityKind.EXPORTED, details=Details(what="roster_plan"))
    answer["Content-Disposition"] = f'attachment; filename="plan-{section_id}.{kind}"'
    return answer
