"""What a rule of the database, where it refuses a row, means to whoever sent it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from courses.errors import CourseError, EnrolmentOverlaps, SourcedIdTaken

_ERRORS: Mapping[str, type[CourseError]] = {
    "enrolment_of_a_student_never_overlaps": EnrolmentOverlaps,
    "enrolment_sourced_once": SourcedIdTaken,
    "section_sourced_once": SourcedIdTaken,
}


@contextmanager
def writing() -> Iterator[None]:
    """A transaction, or a savepoint in one; what a rule refuses is raised as its error.

    What two callers do at once, no look before can see: the constraint decides.
    An IntegrityError whose rule has no error here is a fault of ours, and stays one.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        kind = _ERRORS.get(broken_rule(error))
        if kind is None:
            raise
        raise kind from error


def broken_rule(error: IntegrityError) -> str:
    """The name of the constraint that refused a row, or ''."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
