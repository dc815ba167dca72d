"""Guards of rosters and of the system's marks, each taken out once."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.models import LessonLedger
from attendance.services.persistence import discard, older_copies, rosters, rows, runs
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.services.receipts import redeeming
from attendance.services.rosters import excusing, expected, system_marks
from attendance.vocabulary import Source
from tests.model import scenarios
from tests.model.taking_out import Mutant, python, sql


def _receipt_yields() -> AbstractContextManager[None]:
    """To a receipt, a mark of the system is a mark like any other."""
    source = SimpleNamespace(SYSTEM="nobody", RECEIPT=Source.RECEIPT)
    return python(redeeming, "Source", source)


@contextmanager
def _marks_outside_the_transaction() -> Iterator[None]:
    """The marks come in a transaction of their own, after the commit of the records."""
    real = discard.tidy_and_discard

    def late(lessons: ChunkSnapshots, book: runs.Book, *, commit: int) -> set[UUID]:
        of_sections = [
            rosters._of_section(each.snapshot.lesson)
            for each in lessons.to_write
            if each.snapshot.lesson.data.section is not None
        ]
        with transaction.atomic():
            missing = expected.find_expected(of_sections)
            system_marks._insert_marks(missing, at=timezone.now())
        return real(lessons, book, commit=commit)

    with (
        python(rosters, "with_marks", lambda lesson: lesson),
        python(discard, "tidy_and_discard", late),
    ):
        yield


@contextmanager
def _absences_before_users() -> Iterator[None]:
    """The people of a roster are held only after their absences were read."""
    hold, write = expected._hold, rows.write_lessons
    skipped: set[int] = set()

    def hold_later(table: str, ids: Iterable[int]) -> set[int]:
        if table != "users_user":
            return hold(table, ids)
        skipped.update(ids)
        return skipped

    def write_then(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, Written]:
        hold("users_user", skipped)
        return write(lessons, users)

    with python(expected, "_hold", hold_later), python(rows, "write_lessons", write_then):
        yield


def _approvals_count_in_redis_too() -> AbstractContextManager[None]:
    """An approval takes a revision of a lesson whose revisions Redis still counts."""
    ledger = SimpleNamespace(objects=SimpleNamespace(open=LessonLedger.objects.none))
    return python(excusing, "LessonLedger", ledger)


ALL = (
    Mutant(
        "a mark of the system is as good as its revision",
        lambda: sql(r" OR stored\.source = 'system'", ""),
        scenarios.BLANKS,
    ),
    Mutant(
        "an older copy fills no mark of the system",
        lambda: python(older_copies, "is_blank", lambda source: source is None),
        scenarios.BLANKS,
    ),
    Mutant("a receipt yields to a mark of the system", _receipt_yields, scenarios.BLANKS),
    Mutant(
        "a roster is closed each time",
        lambda: sql(r" AND roster_closed_at IS NULL", ""),
        scenarios.ROSTERS,
    ),
    Mutant(
        "marks of the system in a transaction of their own",
        _marks_outside_the_transaction,
        scenarios.ROSTERS,
    ),
    Mutant("absences are read before people are held", _absences_before_users, scenarios.ABSENCES),
    Mutant(
        "an approval counts in Redis's revisions", _approvals_count_in_redis_too, scenarios.ABSENCES
    ),
    Mutant(
        "marks of the system do not follow whether a lesson was held",
        lambda: python(system_marks, "_settle_not_held", lambda lesson_ids: None),
        scenarios.NOT_HELD,
    ),
)
