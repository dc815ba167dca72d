"""After a transactional test its rows are deleted; Django's flush takes far longer.

Flush truncates every table, which costs files, and then makes permissions and content
types anew. What the migrations have written is kept here instead, and looked at: a test
that has changed it gets the flush.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

KEPT = ("auth_permission", "django_content_type")
"""Written by migrations; every other table is empty between two tests."""

_flush: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown


def install() -> None:
    """Let every transactional test be followed by this instead of a flush."""
    TransactionTestCase._fixture_teardown = _empty_or_flush


def remember_kept_rows() -> None:
    """What the kept tables hold before the first test."""
    for database in connections.all():
        # Where no test of a run asks for a database, none was made.
        if set(KEPT) <= set(database.introspection.table_names()):
            _kept_at_first[database.alias] = _kept_rows(database)


_kept_at_first: dict[str, str] = {}


def _empty_or_flush(test: Any) -> None:
    if test.available_apps is not None or test.serialized_rollback or test.reset_sequences:
        _flush(test)
        return
    for alias in test._databases_names(include_mirrors=False):
        database = connections[alias]
        if not _is_superuser(alias):
            _flush(test)
            return
        empty(database)
        if _kept_at_first[alias] != _kept_rows(database):
            _flush(test)
            _kept_at_first[alias] = _kept_rows(database)


def empty(database: BaseDatabaseWrapper) -> None:
    """Delete every row that tests have made, and wait for whoever still writes some.

    Events are append-only by a trigger, which only a superuser passes by. One simple query is
    one transaction; each of its statements sees what was committed before it.
    """
    tables = [database.ops.quote_name(name) for name in emptied(database.alias)]
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('session_replication_role', 'replica', true);"
            f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE;"
            + "".join(f"DELETE FROM {name};" for name in tables)
        )


@cache
def emptied(alias: str) -> list[str]:
    """Those that flush would truncate, without what is kept."""
    found = connections[alias].introspection.django_table_names(
        only_existing=True, include_views=False
    )
    return sorted(set(found) - set(KEPT))


@cache
def _is_superuser(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


def _kept_rows(database: BaseDatabaseWrapper) -> str:
    """A digest of them."""
    each = "(SELECT string_agg(t::text, ' ' ORDER BY id) FROM {} AS t)"
    with database.cursor() as cursor:
        cursor.execute(f"SELECT md5(concat({', '.join(map(each.format, KEPT))}))")
        return str(cursor.fetchone()[0])
