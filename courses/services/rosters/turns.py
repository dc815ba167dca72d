"""One import of a source system at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from courses.errors import ImportRunning

_NAMESPACE = "attn.import:"


@contextmanager
def only_import(system: str) -> Iterator[Callable[[], None]]:
    """Hold the turn of a system; yields a check that it is still held. Raises ImportRunning.

    The lock is one of a transaction, on a connection of its own: the sections commit one
    by one beside it, a pooler of transactions keeps it, and it ends with the process. A
    connection that was lost meanwhile raises OperationalError at the next check.
    """
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_NAMESPACE + system]
            )
            if not cursor.fetchone()[0]:
                raise ImportRunning

            def check() -> None:
                cursor.execute("SELECT 1")

            yield check
    finally:
        own.close()
