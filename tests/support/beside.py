"""Something that is done in a second connection, and whether it waits."""

import threading
from collections.abc import Callable

from django.db import connection, connections

SECONDS = 20


class Beside(threading.Thread):
    """Something that another connection does."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self.error = error
        finally:
            connections.close_all()

    def done(self) -> None:
        self.join(SECONDS)
        assert not self.is_alive()
        if self.error:
            raise self.error


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])
