"""Several students at once: those who are ticked on the board, or everyone else; and taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from attendance.errors import Conflict, ReasonRequired, TooManyAttempts
from attendance.rules.verdicts import STATUS_OF
from attendance.selectors.shapes import RegisterRecord
from attendance.services.access import limits
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Status, Verdict
from attendance.web import said_of_several
from attendance.web.callers import person_of, running_lessons
from attendance.web.pages import board as boards
from attendance.web.pages.marking import (
    Asked,
    board_as_seen,
    correction_of,
    known_names,
    revision_of,
    status_asked,
)
from attendance.web.said_of_several import SaidOfSeveral
from users.errors import AttnError
from users.wording import in_words

MOST: Final = 500
"""Students that one press marks; the next press goes on."""


class Marked(NamedTuple):
    """What became of several corrections."""

    records: Sequence[RegisterRecord]
    """Those that were written."""
    changed: int
    """How many have changed since they were seen, and were left as they are."""


@require_POST
@running_lessons
def everyone_else(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Everybody who is expected and of whom nobody has spoken."""
    seen = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    verdict = status_asked(request.POST.get("verdict", ""))
    # Whoever has come since the page was read is not spoken of.
    corrections = (
        replace(
            correction_of(request, seen, Asked(verdict, who.school_number), name=who.full_name),
            expected_revision=0,
        )
        for who in seen.missing[:MOST]
    )
    _mark_all(request, lesson_id, verdict, corrections)
    return redirect(board_as_seen(request, lesson_id))


@require_POST
@running_lessons
def ticked(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """Those who are ticked, whatever was said of them before."""
    seen = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    verdict = status_asked(request.POST.get("verdict", ""))
    names, numbers = known_names(seen), dict.fromkeys(request.POST.getlist("who")[:MOST])
    if not numbers:
        messages.warning(request, _("Nobody is ticked, so nothing was changed."))
    _mark_all(
        request,
        lesson_id,
        verdict,
        (
            correction_of(request, seen, Asked(verdict, number), name=names[number])
            for number in numbers
            if number in names
        ),
    )
    return redirect(board_as_seen(request, lesson_id))


@require_POST
@running_lessons
def undo(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """What was last said of several is taken back, but for those who have changed since."""
    seen = boards.visible_board(request, lesson_id)
    limits.count_change(person_of(request).school_number)
    asked = [_written(text) for text in request.POST.getlist("undo")[:MOST]]
    marked = _correct_all(
        request,
        (
            replace(
                correction_of(request, seen, Asked(Verdict.UNDO, number), name=""),
                expected_revision=revision,
            )
            for revision, number in asked
        ),
    )
    if marked.changed:
        words = ngettext(
            "%(n)d student has changed since, and was left alone.",
            "%(n)d students have changed since, and were left alone.",
            marked.changed,
        )
        messages.warning(request, words % {"n": marked.changed})
    is_redone = bool(request.POST.get("is_undone"))
    _keep(request, lesson_id, marked, _taken_back(marked, is_redone), is_undone=not is_redone)
    return redirect(board_as_seen(request, lesson_id))


def _written(text: str) -> tuple[int, str]:
    """The revision that was written, and the number. Raises Conflict."""
    revision, _space, number = text.partition(" ")
    seen = revision_of(revision)
    if seen is None:
        raise Conflict
    return seen, number


def _taken_back(marked: Marked, is_redone: bool) -> str:
    n = len(marked.records)
    if is_redone:
        words = ngettext("%(n)d student: marked again", "%(n)d students: marked again", n)
    else:
        words = ngettext("%(n)d student: taken back", "%(n)d students: taken back", n)
    return words % {"n": n}


def _mark_all(
    request: HttpRequest, lesson_id: UUID, verdict: Verdict, corrections: Iterable[Correction]
) -> None:
    """Mark them, and let the board say how many there were."""
    marked = _correct_all(request, corrections)
    words = ngettext("%(n)d student: %(status)s", "%(n)d students: %(status)s", len(marked.records))
    text = words % {"n": len(marked.records), "status": Status(STATUS_OF[verdict]).label}
    _keep(request, lesson_id, marked, text, is_undone=False)


def _keep(
    request: HttpRequest, lesson_id: UUID, marked: Marked, text: str, *, is_undone: bool
) -> None:
    if marked.records:
        revisions = {each.school_number: each.revision for each in marked.records}
        said_of_several.keep(request, lesson_id, SaidOfSeveral(text, revisions, is_undone))


def _correct_all(request: HttpRequest, corrections: Iterable[Correction]) -> Marked:
    """Correct one after the other; the page says what was refused, and what for."""
    records, problems, changed = [], set(), 0
    for correction in corrections:
        try:
            # Each counts as if it had been pressed alone.
            limits.count_change(correction.actor.school_number)
            records.append(correct_record(correction))
        except Conflict:
            changed += 1
        except (ReasonRequired, TooManyAttempts) as error:
            # The next one would be refused for the same.
            problems.add(in_words(error))
            break
        except AttnError as error:
            problems.add(in_words(error))
    for problem in sorted(problems):
        messages.error(request, problem)
    return Marked(records, changed)
