"""What PostgreSQL says of the health of the site: its settings, lessons that wait, migrations."""

from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min, Q

from attendance.models import LessonLedger
from attendance.models.books import INCOMPLETE, LOST, REWOUND, WATCHED
from attendance.vocabulary import LessonState

WEAK_COMMITS = ("off", "local")
"""`local` waits for this server's disk and not for the standby that its owner has named."""

UNREADABLE = Q(state=LessonState.QUARANTINED)
# What is stored may hold something newer in Redis that cannot be stored.
FAILED = Q(state=LessonState.FAILED) | Q(state=LessonState.PERSISTED, attempts__gt=0)


class DatabaseState(NamedTuple):
    is_standby: bool
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    """What holds for a commit of the site: the session's; behind a pooler, its default."""


def database_state() -> DatabaseState:
    """How PostgreSQL is set, and whether it takes writes: one query."""
    value = "reset_val" if settings.DATABASE_POOLED else "setting"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_is_in_recovery(), current_setting('fsync'),"
            f" current_setting('full_page_writes'), {value}"
            " FROM pg_settings WHERE name = 'synchronous_commit'"
        )
        return DatabaseState(*cursor.fetchone())


class WaitingLessons(NamedTuple):
    """What needs attention, counted by the ledger."""

    oldest_at: datetime | None
    """Since when the oldest lesson that is over waits to be stored."""
    lost: int
    """Those that nobody has settled."""
    quarantined: int
    rewound: int
    failed: int
    incomplete: int


def waiting(*, at: datetime) -> WaitingLessons:
    """Lessons that wait at an instant, and those that need a person: one query, of few rows."""
    unstored = LessonLedger.objects.waiting(at).values("pk")
    counts = LessonLedger.objects.filter(WATCHED).aggregate(
        oldest_at=Min("ends_at", filter=Q(pk__in=unstored)),
        lost=Count("pk", filter=LOST),
        quarantined=Count("pk", filter=UNREADABLE),
        rewound=Count("pk", filter=REWOUND),
        failed=Count("pk", filter=FAILED),
        incomplete=Count("pk", filter=INCOMPLETE),
    )
    return WaitingLessons(**counts)


def missing_migrations() -> list[str]:
    """The migrations of this release that the database does not have, in order."""
    applied = MigrationRecorder(connection).applied_migrations().keys()
    return [
        ".".join(name)
        for name, replaced in _migrations_of_this_release()
        if name not in applied and not (replaced and applied >= replaced)
    ]


@cache
def _migrations_of_this_release() -> list[tuple[tuple[str, str], frozenset[tuple[str, str]]]]:
    """Each with those that it stands for, in order; no process sees them change."""
    graph = MigrationLoader(None).graph
    names = dict.fromkeys(
        name for leaf in sorted(graph.leaf_nodes()) for name in graph.forwards_plan(leaf)
    )
    return [(name, frozenset(graph.nodes[name].replaces)) for name in names]
