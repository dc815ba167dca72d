"""Runs the jobs that are due: each is claimed, called and settled, with no transaction around it.

A claim is one statement, which passes by rows that another one holds, and leaves a lease: while it
lasts nobody else takes the job, and after a kill it ends by itself. Between the call and the
settling there is a moment in which a kill makes the job run twice. It is the only one.

Instants are those of PostgreSQL, so that no two machines have to agree.
"""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection

from jobs import waking
from jobs.errors import Later, NeverSucceeds
from jobs.models import LONGEST_ERROR
from jobs.tasks import LEASE, Task, find_task

logger = logging.getLogger(__name__)

UNKNOWN_KIND_RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""While a site is upgraded, an older process may find a job of the newer release."""

_CLAIM = """
UPDATE jobs_job SET attempts = attempts + 1, leased_until = now() + make_interval(secs => %s)
WHERE id = (
    SELECT id FROM jobs_job
    WHERE settled_at IS NULL AND failed_at IS NULL AND run_after <= now()
      AND (leased_until IS NULL OR leased_until <= now()) AND {which}
    ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, kind, arguments, attempts, lane
"""
_WITHOUT_LANE = "lane = ''"
_FREE_LANES = """lane <> '' AND lane <> ALL (ARRAY(
    SELECT lane FROM jobs_job WHERE lane <> '' AND leased_until > now()
))"""
"""A slow receiver holds up its own jobs and no others. Two who look in the same moment may both
take one of a lane: that does no harm."""

_OWN = " WHERE id = %s AND attempts = %s AND settled_at IS NULL AND failed_at IS NULL"
"""Whoever claimed it later has counted one more: a call that took too long settles nothing."""

_EXTEND = "UPDATE jobs_job SET leased_until = now() + make_interval(secs => %s)" + _OWN
_SETTLE = "UPDATE jobs_job SET settled_at = now(), leased_until = NULL, last_error = ''" + _OWN
_GIVE_UP = "UPDATE jobs_job SET failed_at = now(), leased_until = NULL, last_error = %s" + _OWN
_RETRY = (
    "UPDATE jobs_job SET run_after = now() + make_interval(secs => %s), leased_until = NULL,"
    " last_error = %s"
) + _OWN


class JobOutcome(StrEnum):
    DONE = "done"
    LATER = "later"
    GIVEN_UP = "given_up"
    LOST = "lost"
    """Another one has taken it meanwhile: the call took longer than its lease."""


class Which(StrEnum):
    """Whose jobs a thread runs: so mail waits for no lane, and no lane for a mail server."""

    ALL = f"({_WITHOUT_LANE} OR {_FREE_LANES})"
    WITHOUT_LANE = _WITHOUT_LANE
    OF_LANES = _FREE_LANES


class Claimed(NamedTuple):
    id: int
    kind: str
    arguments: dict[str, Any]
    attempts: int
    """This one included."""


def drain(
    *, which: Which = Which.ALL, should_stop: Callable[[], bool] = lambda: False
) -> dict[JobOutcome, int]:
    """Run what is due until nothing is; returns how many ended how. Raises django.db.Error."""
    counts = dict.fromkeys(JobOutcome, 0)
    while not should_stop():
        outcome = run_one(which=which)
        if outcome is None:
            break
        counts[outcome] += 1
    return counts


def run_one(*, which: Which = Which.ALL) -> JobOutcome | None:
    """Claim one job that is due and run it; None where there is none. Raises django.db.Error."""
    claimed = _claim(which)
    return None if claimed is None else _run(claimed)


def _claim(which: Which) -> Claimed | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(which=which.value), [LEASE.total_seconds()])
        row = cursor.fetchone()
    if row is None:
        return None
    if row[4]:
        waking.MORE_OF_LANES.set()
    return Claimed(row[0], row[1], _read(row[2]), row[3])


def _read(arguments: Any) -> dict[str, Any]:
    # A cursor of Django's gives jsonb as text.
    read: dict[str, Any] = json.loads(arguments)
    return read


def _run(job: Claimed) -> JobOutcome:
    found = find_task(job.kind)
    if found is None:
        return _try_again(job, UNKNOWN_KIND_RETRIES, "no such kind in this release")
    if job.attempts > len(found.retries) + 1:
        return _give_up(job, "ended with its process each time")
    if found.lease != LEASE:
        _write(_EXTEND, job, found.lease.total_seconds())
    return _call(job, found)


def _call(job: Claimed, found: Task[Any]) -> JobOutcome:
    try:
        found.run(**job.arguments)
    except NeverSucceeds as error:
        return _give_up(job, str(error))
    except Later as error:
        return _try_again(job, found.retries, str(error), at_least=error.at_least)
    except Exception as error:
        # Its text may name a person or an address: the log of the site has it, staff the class.
        logger.exception("The job %d (%s) failed", job.id, job.kind)
        return _try_again(job, found.retries, type(error).__name__)
    return _outcome(job, JobOutcome.DONE, _write(_SETTLE, job))


def _try_again(
    job: Claimed, retries: Sequence[timedelta], why: str, *, at_least: timedelta = timedelta()
) -> JobOutcome:
    if job.attempts > len(retries):
        return _give_up(job, why)
    logger.warning("The job %d (%s) is tried again: %s", job.id, job.kind, why)
    wait = max(retries[job.attempts - 1], at_least).total_seconds()
    return _outcome(job, JobOutcome.LATER, _write(_RETRY, job, wait, why[:LONGEST_ERROR]))


def _give_up(job: Claimed, why: str) -> JobOutcome:
    logger.error("The job %d (%s) is given up: %s", job.id, job.kind, why)
    return _outcome(job, JobOutcome.GIVEN_UP, _write(_GIVE_UP, job, why[:LONGEST_ERROR]))


def _outcome(job: Claimed, outcome: JobOutcome, is_own: bool) -> JobOutcome:
    if is_own:
        return outcome
    logger.warning("The job %d (%s) took longer than its lease", job.id, job.kind)
    return JobOutcome.LOST


def _write(statement: str, job: Claimed, *values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, job.id, job.attempts])
        return bool(cursor.rowcount)
