"""Whose number it is that somebody types beside a name: a mistyped one would mark somebody else.

Names are compared as searches compare them. Where PostgreSQL is away, the account is left out:
the register and the roster of the lesson still tell.
"""

from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection

from attendance.errors import NameDiffers
from attendance.selectors.access import check_may_change
from attendance.selectors.boards import Board, find_board
from users.identity import Person, canonical_school_number
from users.searching import search_form
from users.selectors import find_account


def check_typed_name(board: Board, school_number: str, full_name: str) -> None:
    """Raises NameDiffers where the number is known, and by other names only."""
    number = canonical_school_number(school_number)
    names = [*_in_lesson(board, number), *_of_account(number)]
    # Whoever was refused has the name that they signed in with: it says who is meant.
    others = [each.full_name for each in board.refusals if each.school_number == number]
    if names and not _is_one_of(full_name, [*names, *others]):
        raise NameDiffers(number=number, known_name=names[0])


def check_new_record(lesson_id: UUID, person: Person, *, actor: Person) -> None:
    """As `check_typed_name`, for whoever has not read the lesson yet.

    Raises NotYourLesson, so that nobody else learns a name.
    """
    if _is_one_of(person.full_name, _of_account(canonical_school_number(person.school_number))):
        return
    board = find_board(lesson_id)
    check_may_change(actor, board.lesson)
    check_typed_name(board, person.school_number, person.full_name)


def _in_lesson(board: Board, number: str) -> list[str]:
    names = [(record.school_number, record.full_name) for record in board.records]
    names += [(person.school_number, person.full_name) for person in board.missing]
    return [name for its_number, name in names if its_number == number]


def _of_account(number: str) -> list[str]:
    try:
        account = find_account(number)
    except DatabaseError:
        connection.close()
        return []
    return [account.full_name] if account else []


def _is_one_of(full_name: str, names: list[str]) -> bool:
    return search_form(full_name) in map(search_form, names)
