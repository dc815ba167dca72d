"""Of the changes of one lesson only the newest is needed: it stands for those before it.

An export fetches each lesson that was changed in or after some transaction. Where the newest
change is before that, so is every other; where it is not, the lesson is fetched once.
"""

from typing import Final

from django.db import connection

MOST_LESSONS: Final = 50_000
"""Thinned at once: one statement, which reads the table once."""

_THIN: Final = """
    DELETE FROM reports_touchedlesson AS old
     USING (SELECT lesson_id, max(changed_in) AS changed_in FROM reports_touchedlesson
             GROUP BY lesson_id HAVING count(*) > 1 LIMIT %s) AS newest
     WHERE old.lesson_id = newest.lesson_id AND old.changed_in < newest.changed_in"""


def remove_superseded() -> int:
    """Remove every change of a lesson that is not its newest; returns how many.

    Changes that are not committed yet are not seen, and removed by nobody. Raises django.db.Error.
    """
    with connection.cursor() as cursor:
        cursor.execute(_THIN, [MOST_LESSONS])
        return int(cursor.rowcount)
