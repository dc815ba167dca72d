"""Who may see a lesson: the API and the pages ask the same question."""

from attendance.errors import LessonNotFound
from users.identity import Person, Role


def check_may_see(person: Person, teacher_number: str) -> None:
    """Its teacher and staff see a lesson; to others it is not there. Raises LessonNotFound."""
    if person.role is Role.STAFF:
        return
    if person.role is not Role.TEACHER or person.school_number != teacher_number:
        raise LessonNotFound
