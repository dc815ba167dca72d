"""Faults that can be put into a running rig and taken out again; the soak mixes them.

Each is a context manager: the fault lasts as long as its block, or has happened
when the block begins.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import redis

from tests.faults import backups
from tests.faults.rig import Rig
from tests.support.rig.servers import Breakable

SHORT = 1.5
"""Seconds that a stall lasts: less than what callers wait for an answer."""


@contextmanager
def killed(server: Breakable) -> Iterator[None]:
    """kill -9; it is down while the block runs."""
    server.kill()
    yield
    server.start()


@contextmanager
def stopped_immediately(rig: Rig) -> Iterator[None]:
    rig.postgres.stop_immediately()
    yield
    rig.postgres.start()


@contextmanager
def stalled(server: Breakable) -> Iterator[None]:
    """SIGSTOP: connections stay, and nothing is answered."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def scripts_flushed(rig: Rig) -> Iterator[None]:
    """SCRIPT FLUSH, again and again."""
    with repeated(lambda: rig.redis().script_flush()):
        yield


@contextmanager
def clients_killed(rig: Rig) -> Iterator[None]:
    """CLIENT KILL of every connection to the live store, again and again."""
    with repeated(lambda: rig.redis().client_kill_filter(_type="normal"), 0.1):
        yield


@contextmanager
def backends_terminated(rig: Rig) -> Iterator[None]:
    """pg_terminate_backend of every connection to PostgreSQL, again and again."""

    def terminate() -> None:
        with rig.sql() as sql:
            sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    with repeated(terminate, 0.1):
        yield


@contextmanager
def memory_used_up(rig: Rig) -> Iterator[None]:
    """The live store takes no more, as `noeviction` has it."""
    live = rig.redis()
    live.config_set("maxmemory", "1mb")
    try:
        yield
    finally:
        live.config_set("maxmemory", "0")


@contextmanager
def read_only_live_store(rig: Rig) -> Iterator[None]:
    """As after a failover: the server has become somebody's replica."""
    live = rig.redis()
    live.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        live.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def live_connections_used_up(rig: Rig) -> Iterator[None]:
    """Somebody else holds every connection that the live store has."""
    live = rig.redis()
    before = str(live.config_get("maxclients")["maxclients"])
    held = {live.client_id()}
    with ExitStack() as stack:
        live.config_set("maxclients", "4")
        stack.callback(live.config_set, "maxclients", before)
        while len(held) < 4:
            # Those of the processes at work are ended, so that they have to ask again.
            for each in live.client_list():
                if int(each["id"]) not in held:
                    live.client_kill_filter(_id=each["id"])
            other = rig.redis()
            with suppress(redis.ConnectionError):
                held.add(other.client_id())
                stack.callback(other.close)
        yield


@contextmanager
def connections_used_up(rig: Rig) -> Iterator[None]:
    """Somebody else holds every connection that PostgreSQL has."""
    sql = rig.sql()
    held: list[psycopg.Connection[tuple[object, ...]]] = [sql]
    with suppress(psycopg.OperationalError):
        while True:
            held.append(rig.sql())
            # Those of the processes at work are ended, so that they have to ask again.
            sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> ALL(%s)"
                " AND pid <> pg_backend_pid()",
                [[each.info.backend_pid for each in held]],
            )
    try:
        yield
    finally:
        for each in held:
            each.close()


@contextmanager
def table_locked(rig: Rig) -> Iterator[None]:
    """ACCESS EXCLUSIVE, as a migration takes it."""
    with rig.sql() as sql, sql.transaction():
        sql.execute("SET LOCAL lock_timeout = '20s'")
        sql.execute("LOCK TABLE attendance_attendancerecord IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def setting_of_postgres(rig: Rig, name: str, value: str) -> Iterator[None]:
    """ALTER SYSTEM and a reload, and back."""
    with rig.sql() as sql:
        sql.execute(f"ALTER SYSTEM SET {name} = {value}")
        sql.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        with rig.sql(options="-c default_transaction_read_only=off") as sql:
            sql.execute(f"ALTER SYSTEM RESET {name}")
            sql.execute("SELECT pg_reload_conf()")


@contextmanager
def somebody_renumbered(rig: Rig, chance: random.Random) -> Iterator[None]:
    """One of the students and teachers gets a number that nobody has had."""
    person = chance.choice([*rig.people.students, *rig.people.teachers])
    with rig.sql() as sql:
        sql.execute("SET lock_timeout = '20s'")
        sql.execute(
            "UPDATE users_user SET school_number = %s WHERE school_number = %s OR id IN"
            " (SELECT user_id FROM users_formernumber WHERE number = %s)",
            [f"R-{chance.getrandbits(48):012X}", person.school_number, person.school_number],
        )
    yield


@contextmanager
def restored_live_store(rig: Rig) -> Iterator[None]:
    """A copy of its files is taken; behind the block it comes back with them."""
    with backups.folder_for(rig) as older:
        taken_at = time.monotonic()
        backups.copy(rig.live, older)
        yield
        backups.restore(rig.live, older)
        rig.returns.append((taken_at, time.monotonic()))


@contextmanager
def users_locked_backwards(rig: Rig) -> Iterator[None]:
    """A foreign transaction that locks users in the opposite order, again and again."""

    def lock() -> None:
        with rig.sql() as sql, suppress(psycopg.errors.DeadlockDetected), sql.transaction():
            # It waits longer than the others, so that they are the ones to give way.
            sql.execute("SET LOCAL deadlock_timeout = '5s'")
            numbers = sql.execute(
                "SELECT school_number FROM users_user WHERE role = 'student'"
                " ORDER BY school_number DESC"
            ).fetchall()
            for (number,) in numbers:
                sql.execute("SELECT FROM users_user WHERE school_number = %s FOR UPDATE", [number])

    with repeated(lock, 0.05):
        yield


@contextmanager
def repeated(work: Callable[[], object], pause: float = 0.02) -> Iterator[None]:
    """Do something again and again beside the block; a server that is away is no reason to end."""
    stopping = threading.Event()
    errors: list[BaseException] = []

    def go_on() -> None:
        while not stopping.is_set():
            try:
                work()
            except (psycopg.OperationalError, redis.RedisError):
                time.sleep(0.01)
            except BaseException as error:
                errors.append(error)
                raise
            stopping.wait(pause)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    assert not errors, errors[0]
