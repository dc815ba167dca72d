"""What PostgreSQL says of the health of the site: lessons that wait, missing migrations."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Q

from attendance.models import LessonLedger
from attendance.vocabulary import LessonState


class WaitingLessons(NamedTuple):
    """What needs attention, counted by the ledger."""

    oldest: timedelta | None
    """How long the oldest lesson that is over waits to be stored."""
    lost: int
    quarantined: int
    rewound: int
    failed: int


def waiting(*, at: datetime) -> WaitingLessons:
    """Lessons that wait at an instant, and those that need a person: one query."""
    unstored = LessonLedger.objects.waiting(at).values("pk")
    counts = LessonLedger.objects.aggregate(
        oldest=Min("ends_at", filter=Q(pk__in=unstored)),
        lost=Count("pk", filter=Q(state=LessonState.LOST)),
        quarantined=Count("pk", filter=Q(state=LessonState.QUARANTINED)),
        rewound=Count("pk", filter=Q(last_error__startswith="rewound")),
        # What is stored may hold something newer in Redis that cannot be stored.
        failed=Count(
            "pk",
            filter=Q(state=LessonState.FAILED) | Q(state=LessonState.PERSISTED, attempts__gt=0),
        ),
    )
    oldest = counts.pop("oldest")
    return WaitingLessons(oldest=at - oldest if oldest else None, **counts)


def missing_migrations() -> list[str]:
    """The migrations of this release that the database does not have, in order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
