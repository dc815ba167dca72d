"""Writing the security log, reading one's own part of it, and removing what is old.

What cannot be written is told to the log of the site, and breaks nothing. What is the same
within five minutes is one row that counts: a flood of attempts fills no table.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from users import origin
from users.derived_keys import Purpose, fingerprints
from users.models import SecurityEvent, SecurityKind
from users.selectors import accounts_query

logger = logging.getLogger(__name__)

COUNTED_SECONDS = 300
READS_SECONDS = 3600
RETRY_SECONDS = 60
LONGEST_WRITE_MS = 2_000
ROWS = 1_000
"""Rows of one transaction when old ones are removed."""

MOST_ROWS_OF_A_RUN = 20_000
SHOWN_TO_OWNER = 10
NOT_OF_THE_ACCOUNT = (SecurityKind.RECORDS_READ, SecurityKind.EXPORTED)


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that may stand beside an event: words of ours, and never a name or a number."""

    door: str = ""
    """By which somebody came: `page`, `api`, `campus`; of a link, `mail`, `slip` or `link`."""
    code: str = ""
    """Of the error that was answered."""
    what: str = ""
    """Which file, which records, or which kind of factor."""
    lesson: str = ""
    """Its id."""
    fields: tuple[str, ...] = ()
    """Of an account, that changed; never their values."""
    role: str = ""
    """Which an account has since."""


NO_DETAILS = Details()


class Read(NamedTuple):
    """Whose record was read, where it is one person's, and of which lesson."""

    subject_id: int | None = None
    lesson: str = ""


_INSERT = """
INSERT INTO users_securityevent
    (kind, happened_at, last_at, times, actor_id, subject_id, typed, device, address, request_id,
     details, once)
VALUES (%s, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (once) DO """
_COUNT = """
UPDATE SET times = users_securityevent.times + 1,
           last_at = greatest(users_securityevent.last_at, excluded.last_at)
"""


def write(
    kind: SecurityKind,
    *,
    subject_id: int | None = None,
    actor_id: int | None = None,
    typed: str = "",
    details: Details = NO_DETAILS,
) -> None:
    """Write an event down, or count it. Where nobody is named, who has signed in is the actor.

    `typed` is what somebody typed as the number of an account that does not exist. In a
    transaction the event is part of it. Raises nothing.
    """
    by = origin.current().actor_id if actor_id is None else actor_id
    try:
        where = origin.current().find_where()
        said = _json(details)
        kept = _fingerprint(typed)[:16] if typed else ""
        same = f"{kind}|{by}|{subject_id}|{kept}|{where}|{said}|{_window(COUNTED_SECONDS)}"
        _insert(kind, same, (by, subject_id, kept, *where), said, conflict=_COUNT)
    except Exception as error:  # noqa: BLE001 - nobody is kept out because this cannot be written
        _tell(kind, error)


def write_many(events: Sequence[tuple[SecurityKind, int, Details]]) -> None:
    """Events of many accounts at once, each with whose it is; as `write`, and uncounted."""
    if not events:
        return
    here = origin.current()
    try:
        where = here.find_where()
        rows = [
            SecurityEvent(
                kind=kind,
                actor_id=here.actor_id,
                subject_id=subject_id,
                device=where.device,
                address=where.address,
                request_id=here.request_id,
                details=msgspec.to_builtins(details),
                once=_fingerprint(f"{kind}|{here}|{subject_id}|{details}|{timezone.now()}"),
            )
            for kind, subject_id, details in events
        ]
        with transaction.atomic():
            SecurityEvent.objects.bulk_create(rows)
    except Exception as error:  # noqa: BLE001 - as in `write`
        _tell(events[0][0], error)


def write_locked(details: Details, *, subject_id: int | None) -> None:
    """Attempts are held up: once in five minutes for an account and a network.

    Nothing slows whoever sends these, so they cost one look at the cache and not one write each.
    """
    kind = SecurityKind.SIGN_IN_LOCKED
    same = f"{kind}|{subject_id}|{origin.current().find_where().address}|{details}"
    _write_once(kind, same, COUNTED_SECONDS, lambda: (subject_id, details))


def write_read(what: str, *, place: str = "", find: Callable[[], Read | None] = Read) -> None:
    """Whoever has signed in reads records of others: once in an hour for each place.

    `place` tells two records apart and is not kept. `find` is only asked for what is written; it
    answers None for what is the reader's own. Raises nothing.
    """
    kind = SecurityKind.RECORDS_READ

    def find_all() -> tuple[int | None, Details] | None:
        read = find()
        return read and (read.subject_id, Details(what=what, lesson=read.lesson))

    same = f"{kind}|{origin.current().actor_id}|{what}|{place}"
    _write_once(kind, same, READS_SECONDS, find_all)


def _write_once(
    kind: SecurityKind,
    same: str,
    seconds: int,
    find: Callable[[], tuple[int | None, Details] | None],
) -> None:
    same = f"{same}|{_window(seconds)}"
    key = f"attn:security:{_fingerprint(same)[:32]}"
    try:
        if not _is_first(key, seconds):
            return
        found = find()
        if found is None:
            return
        here = origin.current()
        who = (here.actor_id, found[0], "", *here.find_where())
        _insert(kind, same, who, _json(found[1]), conflict="NOTHING")
    except Exception as error:  # noqa: BLE001 - nobody is kept out because this cannot be written
        _tell(kind, error)
        _try_again_soon(key)


def _is_first(key: str, seconds: int) -> bool:
    try:
        return bool(cache.add(key, 1, seconds))
    except Exception:  # noqa: BLE001 - whatever the cache's client raises; the table has it once
        return True


def _try_again_soon(key: str) -> None:
    """Not with the next poll of a board: PostgreSQL may take seconds to say that it is away."""
    try:
        cache.set(key, 1, RETRY_SECONDS)
    except Exception:  # noqa: BLE001 - whatever the cache's client raises
        return


def _insert(
    kind: SecurityKind,
    same: str,
    who: tuple[int | None, int | None, str, str, str],
    said: str,
    *,
    conflict: str,
) -> None:
    now = timezone.now()
    is_alone = not connection.in_atomic_block
    request_id = origin.current().request_id
    values = (kind.value, now, now, *who, request_id, said, _fingerprint(same))
    # A savepoint, in the transaction of somebody else: what fails here must not end theirs.
    with transaction.atomic(), connection.cursor() as cursor:
        if is_alone:
            wait = str(LONGEST_WRITE_MS)
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [wait])
        cursor.execute(_INSERT + conflict, values)


def _json(details: Details) -> str:
    return msgspec.json.encode(details).decode()


def _window(seconds: int) -> int:
    return int(timezone.now().timestamp()) // seconds


def _fingerprint(text: str) -> str:
    return fingerprints(text, Purpose.SECURITY_LOG)[0]


def _tell(kind: SecurityKind, error: Exception) -> None:
    logger.error("The security log could not be written: %s", kind.value, exc_info=error)


def recent_of(user_id: int) -> list[SecurityEvent]:
    """The last events of a person's accounts, for their own page; one query."""
    rows = SecurityEvent.objects.filter(subject__in=accounts_query(user_id))
    return list(rows.exclude(kind__in=NOT_OF_THE_ACCOUNT)[:SHOWN_TO_OWNER])


def remove_old(
    *, now: datetime, most: int | None = MOST_ROWS_OF_A_RUN, dry_run: bool = False
) -> int:
    """Remove events older than ATTN_SECURITY_LOG_DAYS, in parts; returns how many.

    Two at once share the rows.
    """
    before = now - timedelta(days=settings.SECURITY_LOG_DAYS)
    if dry_run:
        return SecurityEvent.objects.filter(happened_at__lt=before).count()
    removed = 0
    while most is None or removed < most:
        part = _remove_part(before)
        removed += part
        if part < ROWS:
            break
    return removed


def _remove_part(before: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # Whoever says so may delete, and only what is old: the trigger looks at both.
        cursor.execute("SELECT set_config('attn.removes_old_security_events', 'yes', true)")
        cursor.execute(
            "DELETE FROM users_securityevent WHERE id = ANY (ARRAY("
            "SELECT id FROM users_securityevent WHERE happened_at < %s"
            " ORDER BY happened_at LIMIT %s FOR UPDATE SKIP LOCKED))",
            [before, ROWS],
        )
        return int(cursor.rowcount)
