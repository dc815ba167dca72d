"""Functions that run as jobs, and enqueueing them. Near django.tasks, so that it can take over.

    @task(retries=(timedelta(minutes=1), timedelta(hours=1)))
    def send_letter(*, user_id: int) -> None: ...

    with transaction.atomic():
        ...
        send_letter.using(once=f"letter|{cause}").enqueue(user_id=user.pk)

The job is a row of the same transaction: it is there if the cause is. It may run twice, after a
kill or a call that took longer than its lease; so a function that is called twice must do no harm.
"""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from jobs import waking
from jobs.models import Job

P = ParamSpec("P")
LEASE = timedelta(minutes=5)
"""Longer than any call takes: a server that hangs is let go by its own time limit."""


@dataclasses.dataclass(frozen=True)
class Task(Generic[P]):
    """A function that is run as a job."""

    run: Callable[P, None]
    retries: Sequence[timedelta] = ()
    """How long to wait before the second try, the third and so on; then it is given up."""
    lease: timedelta = LEASE
    once: str = ""
    run_after: datetime | None = None
    lane: str = ""

    @property
    def kind(self) -> str:
        """Where the function is: jobs that wait are not found after it was moved."""
        return f"{self.run.__module__}.{self.run.__qualname__}"

    def using(
        self, *, once: str = "", run_after: datetime | None = None, lane: str = ""
    ) -> "Task[P]":
        """The same for one cause, not before an instant, or one after the other in a lane."""
        return dataclasses.replace(self, once=once, run_after=run_after, lane=lane)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Write the job into the transaction that is under way; nothing for a cause that has one.

        Arguments are by keyword and go through JSON: ids and words, never a secret.
        """
        enqueue_all([self.job(*args, **kwargs)])

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """The job as a row that is not written yet, for `enqueue_all`."""
        if args:
            raise TypeError("Arguments of a job are given by keyword.")
        now = timezone.now()
        return Job(
            kind=self.kind,
            arguments=kwargs,
            once=self.once,
            lane=self.lane,
            enqueued_at=now,
            run_after=self.run_after or now,
        )


def enqueue_all(jobs: Sequence[Job]) -> None:
    """Write jobs into the transaction that is under way, in one statement."""
    Job.objects.bulk_create(jobs, ignore_conflicts=True)
    if any(not job.lane for job in jobs):
        transaction.on_commit(waking.AWAKE.set)
    if any(job.lane for job in jobs):
        transaction.on_commit(waking.LANES_AWAKE.set)


def task(
    *, retries: Sequence[timedelta] = (), lease: timedelta = LEASE
) -> Callable[[Callable[P, None]], Task[P]]:
    """Make a function of a module a task."""
    return lambda function: Task(function, retries, lease)


def find_task(kind: str) -> Task[Any] | None:
    """The task of this name; None where this release has none. Nothing else is ever called."""
    try:
        found = import_string(kind)
    except ImportError:
        return None
    return found if isinstance(found, Task) and found.kind == kind else None
