"""Adding somebody to a lesson: looking for them, or by number and name."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.errors import InvalidInput, NameDiffers
from attendance.http_status import STATUS
from attendance.services.access import limits
from attendance.services.added_names import check_typed_name
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from attendance.web.callers import person_of, running_lessons
from attendance.web.forms import AddForm
from attendance.web.pages import board as boards
from attendance.web.request_ids import request_id_of
from users.errors import InvalidFullName, InvalidSchoolNumber
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
