"""Adding somebody to a lesson: found and marked with one click, or by number and name."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import InvalidInput, NameDiffers
from attendance.http_status import STATUS
from attendance.selectors.addable import name_of_student
from attendance.selectors.boards import Board
from attendance.services import limits
from attendance.services.added_names import check_typed_name
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import AddForm
from attendance.web.pages import board as boards
from attendance.web.request_ids import request_id_of
from users.errors import AttnError, InvalidFullName, InvalidSchoolNumber
from users.wording import in_words

_FIELDS = {InvalidSchoolNumber.code: "school_number", InvalidFullName.code: "full_name"}
"""The field that an error is about."""


@never_cache
@require_safe
@running_lessons
def people(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Those who are found, alone."""
    board = boards.visible_board(request, lesson_id)
    context = boards.rows_context(request, board)
    return render(request, "attendance/pages/board_people.html", context)


@require_POST
@running_lessons
def add(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Add a student, or accept one who was refused; asks where the number is another person's."""
    board = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    form = AddForm(request.POST)
    if not form.is_valid():
        return boards.page(request, board, add_form=form, status=400)
    fields = form.cleaned_data
    number, name = fields["school_number"], fields["full_name"]
    try:
        check_typed_name(board, number, name)
        added = correct_record(_present(request, lesson_id, number, name))
    except NameDiffers as error:
        # Whoever corrects the number sends another change.
        return boards.page(request, board, add_form=form, differs=error, status=409)
    except (InvalidSchoolNumber, InvalidFullName, InvalidInput) as error:
        form.add_error(_FIELDS.get(error.code), in_words(error))
        return boards.page(request, board, add_form=form, status=STATUS[error.code])
    messages.success(request, _said(added.full_name))
    return redirect("board", lesson_id=lesson_id)


@require_POST
@running_lessons
def present(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """One click: somebody is here, by the name that the lesson or else the school has."""
    seen = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    number = request.POST.get("school_number", "")
    correction = _present(request, lesson_id, number, _known_name(seen, number))
    if not request.headers.get("HX-Request"):
        messages.success(request, _said(correct_record(correction).full_name))
        return redirect(f"{reverse('board', args=[lesson_id])}?{_place(request)}")
    try:
        said: dict[str, Any] = {"said": correct_record(correction)}
    except AttnError as error:
        said = {"problem": in_words(error)}
    return boards.rows_alone(request, boards.visible_board(request, lesson_id), **said)


def _known_name(board: Board, number: str) -> str:
    """A second click finds the student among those who are here, by the same name."""
    names = {person.school_number: person.full_name for person in board.missing}
    names |= {record.school_number: record.full_name for record in board.records}
    return names.get(number) or name_of_student(number)


def _present(request: HttpRequest, lesson_id: UUID, number: str, full_name: str) -> Correction:
    return Correction(
        lesson_id=lesson_id,
        school_number=number,
        verdict=Verdict.ACCEPT,
        actor=person_of(request),
        full_name=full_name,
        request_id=request_id_of(request),
    )


def _said(name: str) -> str:
    return _("%(name)s is marked present.") % {"name": name}


def _place(request: HttpRequest) -> str:
    """The tab and the searches of the board that a form was sent from."""
    sent = {name: request.POST.get(name, "") for name in ("tab", "search", "find")}
    return urlencode({name: text for name, text in sent.items() if text or name != "find"})
