"""Several students at once: those who are ticked on the board, or everyone else."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from attendance.errors import Conflict, ReasonRequired, TooManyAttempts
from attendance.rules.verdicts import STATUS_OF
from attendance.services import limits
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Status, Verdict
from attendance.web.callers import person_of, running_lessons
from attendance.web.pages import board as boards
from attendance.web.pages.marking import (
    Asked,
    board_as_seen,
    correction_of,
    known_names,
    status_asked,
)
from users.errors import AttnError
from users.wording import in_words

MOST: Final = 500
"""Students that one press marks; the next press goes on."""


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
    _correct_all(request, verdict, corrections)
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
    _correct_all(
        request,
        verdict,
        (
            correction_of(request, seen, Asked(verdict, number), name=names[number])
            for number in numbers
            if number in names
        ),
    )
    return redirect(board_as_seen(request, lesson_id))


def _correct_all(request: HttpRequest, verdict: Verdict, corrections: Iterable[Correction]) -> None:
    """Say how many were marked, and what kept the others from it."""
    marked, problems = 0, set()
    for correction in corrections:
        try:
            with suppress(Conflict):
                # Each counts as if it had been pressed alone.
                limits.count_change(correction.actor.school_number)
                correct_record(correction)
                marked += 1
        except (ReasonRequired, TooManyAttempts) as error:
            # The next one would be refused for the same.
            problems.add(in_words(error))
            break
        except AttnError as error:
            problems.add(in_words(error))
    for problem in sorted(problems):
        messages.error(request, problem)
    words = ngettext("%(n)d student: %(status)s", "%(n)d students: %(status)s", marked)
    if marked:
        status = Status(STATUS_OF[verdict]).label
        messages.success(request, words % {"n": marked, "status": status})
