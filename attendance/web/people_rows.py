"""Whom a board finds to be added: people of its roster, of its register, then of the school."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from django.db import Error as DatabaseError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from attendance.selectors.addable import Student, find_students
from attendance.selectors.boards import Board
from attendance.selectors.shapes import RegisterRecord
from attendance.web.board_row import BoardRow, row_of_person, row_of_record
from users.searching import finder, search_form

MOST: Final = 8
SHORTEST: Final = 3
"""Characters from which on the school is looked through; the lesson is from the first."""


class FoundPeople(NamedTuple):
    rows: Sequence[BoardRow] = ()
    is_too_short: bool = False
    is_school_away: bool = False
    """PostgreSQL does not answer: only people of the lesson are found."""


def find_people(board: Board, search: str) -> FoundPeople:
    """At most eight people whose number or name has this text in it, the roster's first."""
    if not search:
        return FoundPeople()
    is_found = finder(search)
    of_lesson = [
        *(row_of_person(each) for each in board.missing),
        *(_row_of_record(each) for each in board.records),
    ]
    rows = [row for row in of_lesson if is_found(row.school_number, row.full_name)][:MOST]
    if len(search_form(search)) < SHORTEST:
        return FoundPeople(rows, is_too_short=True)
    try:
        students = find_students(search, most=2 * MOST)
    except DatabaseError:
        connection.close()
        return FoundPeople(rows, is_school_away=True)
    return FoundPeople([*rows, *_of_school(students, of_lesson, rows)][:MOST])


def _of_school(
    students: Iterable[Student], of_lesson: Iterable[BoardRow], shown: Sequence[BoardRow]
) -> list[BoardRow]:
    """Those who are not shown yet; whoever the lesson knows by another number, as it does."""
    known = {row.school_number: row for row in of_lesson}
    found = []
    for person, numbers in students:
        here = next((known[number] for number in numbers if number in known), None)
        row = here or row_of_person(person)
        if row not in shown:
            found.append(row)
    return found


def _row_of_record(record: RegisterRecord) -> BoardRow:
    row = row_of_record(record)
    return row._replace(status="none", status_word=_("Taken out")) if record.is_deleted else row
