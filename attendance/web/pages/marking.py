"""Marks that a teacher gives on the board with one click, and takes back with another."""

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from attendance.errors import Conflict, InvalidInput, ReasonRequired
from attendance.rules.verdicts import STATUS_OF
from attendance.selectors.addable import name_of_student
from attendance.selectors.boards import Board
from attendance.selectors.shapes import RegisterRecord
from attendance.services.access import limits
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Status, Verdict
from attendance.web.callers import person_of, running_lessons
from attendance.web.pages import board as boards
from attendance.web.request_ids import request_id_of
from attendance.wording.presets import reason_of
from users.errors import AttnError, gettext_noop
from users.identity import canonical_school_number
from users.wording import in_words

_LONGEST_REVISION: Final = 18
_PLACE: Final = ("tab", "search", "sort", "find", "select")


class Asked(NamedTuple):
    """What a button asks for."""

    verdict: Verdict
    number: str


class Said(NamedTuple):
    """What was just said on the board, and how it is taken back."""

    text: str
    record: RegisterRecord
    is_undone: bool


@require_POST
@running_lessons
def mark(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """One click: a status of somebody, or the last one taken back."""
    seen = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    is_part = bool(request.headers.get("HX-Request"))
    try:
        asked = asked_of(request.POST.get("mark", ""))
        said = say(request, seen, asked)
    except ReasonRequired:
        # Without a script a reason is chosen on the page of the record.
        return redirect(f"{_record(lesson_id, asked)}?verdict={asked.verdict}")
    except AttnError as error:
        if not is_part:
            raise
        return _rows(request, lesson_id, problem=in_words(error))
    if is_part:
        return _rows(request, lesson_id, said=said)
    messages.success(request, said.text)
    return redirect(f"{board_as_seen(request, lesson_id)}#r-{said.record.school_number}")


def board_as_seen(request: HttpRequest, lesson_id: UUID) -> str:
    """The address of the board with the tab, the search and the order that a form came from."""
    sent = {name: request.POST.get(name, "") for name in _PLACE}
    query = urlencode({name: text for name, text in sent.items() if text})
    board = reverse("board", args=[lesson_id])
    return f"{board}?{query}" if query else board


def asked_of(text: str) -> Asked:
    """What the value of a button says: a verdict and a school number.

    Raises InvalidInput and InvalidSchoolNumber.
    """
    verdict, _space, number = text.partition(" ")
    if verdict == Verdict.UNDO:
        return Asked(Verdict.UNDO, canonical_school_number(number))
    return Asked(status_asked(verdict), canonical_school_number(number))


def status_asked(text: str) -> Verdict:
    """The verdict that gives a status. Raises InvalidInput."""
    if text not in STATUS_OF:
        raise InvalidInput(gettext_noop("Choose a status."))
    return Verdict(text)


def say(request: HttpRequest, seen: Board, asked: Asked) -> Said:
    """Give a status to somebody whom the lesson or the school knows, or take the last one back.

    Raises what `correct_record` raises.
    """
    name = known_names(seen).get(asked.number) or name_of_student(asked.number)
    record = correct_record(correction_of(request, seen, asked, name=name))
    status = _("no mark") if record.is_deleted else Status(record.status).label
    words = _("%(name)s: %(status)s") % {"name": record.full_name, "status": status}
    return Said(words, record, is_undone=asked.verdict == Verdict.UNDO)


def correction_of(request: HttpRequest, seen: Board, asked: Asked, *, name: str) -> Correction:
    """What a button asks for, with its reason; each student has a request of their own."""
    content = [*request.POST.lists(), ("of", asked.number)]
    return Correction(
        lesson_id=seen.lesson.id,
        school_number=asked.number,
        verdict=asked.verdict,
        actor=person_of(request),
        reason=request.POST.get("reason", "") or reason_of(asked.verdict),
        full_name=name,
        request_id=request_id_of(request, content),
        expected_revision=revision_of(request.POST.get("expected_revision", "")),
    )


def revision_of(text: str) -> int | None:
    """The revision that a form saw, or None where a button does not say it. Raises Conflict."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_REVISION):
        # What was seen cannot be what is there.
        raise Conflict
    return int(text)


def known_names(board: Board) -> dict[str, str]:
    """By number, who is on the board; a second click finds the student by the same name."""
    names = {each.school_number: each.full_name for each in board.refusals}
    names |= {person.school_number: person.full_name for person in board.missing}
    return names | {record.school_number: record.full_name for record in board.records}


def _record(lesson_id: UUID, asked: Asked) -> str:
    return reverse("record", args=[lesson_id, asked.number])


def _rows(request: HttpRequest, lesson_id: UUID, **said: Any) -> HttpResponse:
    return boards.rows_alone(request, boards.visible_board(request, lesson_id), **said)
