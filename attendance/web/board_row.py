"""One row of a board: a student with a record or without one, and what one click makes of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attendance.live.refusals import LiveRefusal
from attendance.rules.precedence import SYSTEM
from attendance.rules.verdicts import VERDICT_OF
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import Status
from attendance.wording.letters import LETTERS
from attendance.wording.why import reason_shown
from users.identity import Person

_CAN_HAVE_COME: Final = {Status.ABSENT, Status.EXCUSED}
_WAITING: Final = _("Waiting")


class Choice(NamedTuple):
    """One of the buttons of a row."""

    verdict: str
    status: str
    word: str | Promise
    letter: str | Promise
    """On the button, and the key that presses it."""
    is_pressed: bool


class BoardRow(NamedTuple):
    """One student on a board, with a record or without one."""

    school_number: str
    full_name: str
    status: str = ""
    """'' for whoever is expected and has no record."""
    checked_in_at: datetime | None = None
    reason: str = ""
    changed_at: datetime | None = None
    is_walk_in: bool = False
    """Whether the student is known not to be on the roster."""
    came_at: datetime | None = None
    """The arrival of somebody who is absent or excused all the same."""
    status_word: str | Promise = ""
    choices: Sequence[Choice] = ()
    """What one click makes of the row."""
    is_one_click: bool = False
    """Whether nobody has spoken of this student: one click says that they are here."""
    tried_again: LiveRefusal | None = None
    """The attempts of somebody whose check-in was rejected."""
    same_device: Sequence[str] = ()
    """The names of others whose mark came from the same browser."""
    is_elsewhere: bool = False
    """Whether they came to another lesson of the same time as well."""


def row_of_person(person: Person) -> BoardRow:
    """Somebody without a record."""
    choices = choices_of("")
    return BoardRow(person.school_number, person.full_name, choices=choices, is_one_click=True)


def choices_of(status: str) -> list[Choice]:
    """The buttons of somebody with this status."""
    return [
        Choice(VERDICT_OF[each], each, Status(each).label, letter, each == status)
        for each, letter in LETTERS.items()
    ]


def row_of_record(record: RegisterRecord) -> BoardRow:
    """Somebody with one, also with one that is flagged as deleted."""
    can_have_come = record.status in _CAN_HAVE_COME
    return BoardRow(
        school_number=record.school_number,
        full_name=record.full_name,
        status=record.status,
        checked_in_at=record.checked_in_at,
        reason=reason_shown(record),
        changed_at=record.changed_at,
        is_walk_in=record.is_expected is False,
        came_at=record.checked_in_at if can_have_come else None,
        status_word=_WAITING if record.status == Status.PENDING else Status(record.status).label,
        choices=choices_of(record.status),
        is_one_click=record.source == SYSTEM,
    )
