"""Which site this database is, and whether Redis is of the same site and the same age.

docs/explanation/protocol.md says what the two marks are: Redis counts the runs that begin and
PostgreSQL keeps the number; PostgreSQL counts its commits and Redis keeps the number. A store
that came back from a backup has a smaller one than the other has heard.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import Error, connection, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from attendance.errors import LiveStoreUnavailable, ReasonRequired
from attendance.live import store
from attendance.live.store import Marks
from attendance.models import Attendance, KnownSite, OlderLiveStore, PersistenceRun
from attendance.services import validation
from attendance.services.stores import lost_lessons

logger = logging.getLogger(__name__)

RUNS_LOOKED_AT = 200
"""The newest rows with a mark; the highest one is among them, however runs overlap."""

REDIS_IS_OLDER = (
    "Redis is older than PostgreSQL: it was emptied, or came back from a backup or a replica that "
    "was behind. Lessons that it lacks are lost or incomplete: see manage.py reconcile."
)
POSTGRESQL_IS_OLDER = (
    "PostgreSQL is older than Redis: it came back from a backup. Lessons that had left Redis since "
    "then are lost: see manage.py reconcile. Restore a newer backup, or ask for receipts."
)


class Sites(NamedTuple):
    own: UUID
    adopted: tuple[UUID, ...] = ()

    @property
    def texts(self) -> frozenset[str]:
        return frozenset(str(each) for each in (self.own, *self.adopted))


def find_sites() -> Sites:
    """This site, which is entered at first use, and those that it has adopted. One query."""
    rows = {row.pk: row.is_own for row in KnownSite.objects.order_by("since")}
    own = next((pk for pk, is_own in rows.items() if is_own), None)
    if own is None:
        KnownSite.objects.bulk_create([KnownSite(is_own=True)], ignore_conflicts=True)
        own = KnownSite.objects.get(is_own=True).pk
    return Sites(own, tuple(pk for pk, is_own in rows.items() if not is_own))


def begin_run(run_id: int) -> Sites:
    """See that Redis is this site's, and compare the ages of both stores.

    Raises ForeignSite, LiveStoreUnavailable and django.db.Error: then the run does nothing.
    """
    sites = find_sites()
    # In this order: what is heard of a store is never younger than the store itself.
    known = _newest_mark("live_mark")
    marks = store.begin_run(sites.own, adopted=sites.adopted, known=known)
    if marks.runs <= known:
        # It is written down before a run is counted: one that dies here leaves it to the next.
        enter_returns([0.0])
        store.raise_marks(Marks(known, 0))
        marks = store.begin_run(sites.own, adopted=sites.adopted, known=known)
    PersistenceRun.objects.filter(pk=run_id).update(live_mark=marks.runs)
    if _is_of_another(run_id, marks.runs):
        enter_returns([0.0])
    commits = _newest_mark("commit_mark")
    if commits < marks.commits:
        _disagree(POSTGRESQL_IS_OLDER)
        _catch_up(run_id, marks.commits)
    return sites


def enter_returns(ages: Iterable[float]) -> None:
    """Redis came back older, so many seconds ago: by what a process had heard of it before."""
    with transaction.atomic():
        _disagree(REDIS_IS_OLDER)
        for age in ages:
            OlderLiveStore.objects.create(found_at=Now() - timedelta(seconds=age))


def _is_of_another(run_id: int, mark: int) -> bool:
    """Whether Redis has given a number twice: the other run had not written its number down yet.

    Each of the two looks after it has written, so the later one sees both.
    """
    lately = PersistenceRun.objects.filter(pk__gt=run_id - RUNS_LOOKED_AT)
    return lately.filter(live_mark=mark).exclude(pk=run_id).exists()


def _newest_mark(name: str) -> int:
    """Rows without one are passed over: a quiet week has thousands that commit nothing."""
    rows = PersistenceRun.objects.filter(**{f"{name}__gt": 0}).order_by("-pk")
    return rows[:RUNS_LOOKED_AT].aggregate(newest=Max(name))["newest"] or 0


def next_commit(run_id: int | None) -> int:
    """Within a persisting transaction: the number of its commit, kept with its run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('attendance_commit_mark')")
        mark = int(cursor.fetchone()[0])
        cursor.execute(
            "UPDATE attendance_persistencerun SET commit_mark = greatest(commit_mark, %s)"
            " WHERE id = %s",
            [mark, run_id],
        )
    return mark


def number_word() -> None:
    """Within a transaction that changes a stored lesson: number its commit, and tell Redis of it.

    The number is kept with the newest run that has one; before the first there is nothing to lose.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE attendance_persistencerun"
            " SET commit_mark = greatest(commit_mark, nextval('attendance_commit_mark'))"
            " WHERE id = (SELECT id FROM attendance_persistencerun WHERE commit_mark > 0"
            # One that a run or another word holds just now is passed over: nobody waits for this.
            " ORDER BY id DESC LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING commit_mark"
        )
        for (mark,) in cursor.fetchall():
            transaction.on_commit(partial(_tell_of_word, mark))


def _tell_of_word(mark: int) -> None:
    """The word stands, whether or not Redis hears of it: then the next one tells of both."""
    try:
        if not store.tell_word(mark, token=uuid4().hex):
            # By the next run both numbers would be equal, and say nothing.
            _disagree(POSTGRESQL_IS_OLDER)
            _say_what_is_gone()
    except (LiveStoreUnavailable, Error) as error:
        logger.warning("Redis could not be told of commit %s: %s", mark, error)


def _disagree(cause: str) -> None:
    logger.error(cause)
    KnownSite.objects.filter(is_own=True, disagreement="").update(
        disagreement=cause, disagreed_at=timezone.now()
    )


def _catch_up(run_id: int, commits: int) -> None:
    """PostgreSQL came back older: it goes on from there, and says what has gone with it."""
    # First: a run that dies behind it is followed by one that finds the same.
    _say_what_is_gone()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval('attendance_commit_mark', greatest(last_value, %s))"
                " FROM attendance_commit_mark",
                [commits],
            )
        PersistenceRun.objects.filter(pk=run_id).update(commit_mark=commits)


def _say_what_is_gone() -> None:
    """Raises LiveStoreUnavailable and django.db.Error."""
    lesson_ids = store.remembered_discards()
    stored = set(Attendance.objects.filter(pk__in=lesson_ids).values_list("pk", flat=True))
    lost_lessons.enter_gone([each for each in lesson_ids if each not in stored])
    # They waited to be discarded, and are not stored any more.
    store.unpark_waiting()


def disagreement() -> KnownSite | None:
    """The row that says that the stores were found to be of different ages, or None."""
    return KnownSite.objects.filter(is_own=True, disagreed_at__isnull=False).first()


def settle_disagreement() -> bool:
    """Somebody has looked at each lesson that differs. Returns whether there was anything."""
    rows = KnownSite.objects.filter(is_own=True, disagreed_at__isnull=False)
    OlderLiveStore.objects.filter(settled_at=None).update(settled_at=timezone.now())
    return bool(rows.update(disagreement="", disagreed_at=None))


def adopt_site(site_id: UUID, *, reason: str) -> Sites:
    """Take over the lessons that Redis holds for another site, from the next run on.

    Raises ReasonRequired, and InvalidInput for a reason that is too long.
    """
    why = validation.clean_reason(reason)
    if not why:
        raise ReasonRequired
    own = find_sites().own
    if site_id != own:
        KnownSite.objects.get_or_create(pk=site_id, defaults={"reason": why})
    return find_sites()


def is_foreign(site: str, sites: Iterable[str]) -> bool:
    """Whether a lesson is of a site that is none of these; one that names none is nobody's."""
    accepted = frozenset(sites)
    return bool(site and accepted and site not in accepted)
