"""Servers that are away, as the site's own threads see it, and a browser without a connection."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from playwright.sync_api import Page

from tests.browser import school
from tests.browser.every import Look
from tests.browser.school import SmallSchool
from tests.support.outages import connect_to_nobody, stop_redis


def looks_in_trouble(made: SmallSchool) -> dict[str, list[Look]]:
    """What is looked at in each trouble; every page was opened before it began."""
    board, mark = f"/lessons/{made.live}/", f"/lessons/{made.live}/mine/"
    return {
        "redis": [
            Look("redis-away-board", school.TEACHER, board),
            Look("redis-away-check-in", school.NEWCOMER, f"/lessons/{made.live}/here/", True),
            Look("redis-away-operations", school.STAFF, "/admin/operations/"),
        ],
        "postgresql": [
            Look("postgresql-away-lessons", school.TEACHER, "/lessons/"),
            Look("postgresql-away-board", school.TEACHER, board),
            Look("postgresql-away-mark", school.STUDENT, mark, True),
            Look("postgresql-away-operations", school.STAFF, "/admin/operations/"),
        ],
        "offline": [
            Look("offline-board", school.TEACHER, board),
            Look("offline-mark", school.STUDENT, mark, True),
        ],
    }


def look_in(trouble: str, page: Page, path: str) -> None:
    """Open a page, or have it open when the trouble begins."""
    if trouble == "offline":
        page.goto(path)
        page.context.set_offline(True)
        page.locator("#offline").get_by_text("no connection", exact=False).wait_for()
    else:
        page.goto(path)


@contextmanager
def away(server: str) -> Iterator[None]:
    """The trouble that a server's name stands for; none where only the browser is offline."""
    with pytest.MonkeyPatch.context() as patch:
        if server == "redis":
            stop_redis(patch)
        if server == "postgresql":
            patch.setattr(
                DatabaseWrapper,
                "get_new_connection",
                lambda wrapper, parameters: connect_to_nobody(parameters),
            )
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        yield
