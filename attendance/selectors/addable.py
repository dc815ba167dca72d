"""Students of the school whom somebody who runs a lesson may add to it."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from users.identity import Person, Role
from users.models import User
from users.selectors import former_numbers, merged_numbers


class Student(NamedTuple):
    person: Person
    numbers: Collection[str]
    """All numbers that the person has or had: a lesson may know them by another one."""


def find_students(search: str, *, most: int) -> list[Student]:
    """Students whose number or name has this text in it, by name; one query."""
    rows = _students().filter(Q(full_name__found=search) | Q(school_number__found=search))
    rows = rows.annotate(had=former_numbers("pk"), merged=merged_numbers("pk"))
    return [
        Student(
            Person(row.school_number, row.full_name), {row.school_number, *row.had, *row.merged}
        )
        for row in rows.order_by("full_name", "school_number")[:most]
    ]


def name_of_student(school_number: str) -> str:
    """The name of a student by the number that they have now, or ''; one query."""
    names = _students().filter(school_number=school_number).values_list("full_name", flat=True)
    return names.first() or ""


def _students() -> QuerySet[Any]:
    return User.objects.filter(role=Role.STUDENT, is_active=True, merged_into=None)
