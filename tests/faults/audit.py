"""Let everything run to rest, then count: what was promised against what is stored.

Nothing is taken from a report of ATTN: PostgreSQL and Redis are asked directly.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from tests.faults.journal import ADD, CHECK_IN, CORRECT, RECEIPT, Acknowledged, Journal, Sent
from tests.faults.numbers import Numbers, Pair
from tests.faults.rig import Rig
from tests.faults.rosters import audit_rosters

ROUNDS = 12
FAULTS = ("lost", "denied", "doubled", "phantoms", "overwritten", "broken", "left", "unmarked")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_KNOWN = "SELECT lesson_id FROM attendance_lessonledger UNION SELECT id FROM attendance_attendance"


class Row(NamedTuple):
    """A record as it is stored."""

    full_name: str
    status: str
    checked_in_at: datetime | None
    revision: int
    source: str


class Stored(NamedTuple):
    """What PostgreSQL and Redis hold at rest."""

    rows: dict[Pair, Row]
    copies: Counter[Pair]
    """How many rows there are of one student in one lesson."""
    quarantined: set[Pair]
    events: Counter[tuple[UUID, str]]
    """By lesson and request id."""
    broken: list[str]
    """Sums that disagree and rows that point to nothing."""
    left: list[str]
    """What Redis still holds of lessons."""


class Audit(NamedTuple):
    acknowledged: int
    """Students in lessons who were told that they have a record."""
    stored: int
    quarantined: int
    lost: list[str]
    denied: list[str]
    """Check-ins to a lesson that was started, answered with "there is no such lesson"."""
    doubled: list[str]
    phantoms: list[str]
    overwritten: list[str]
    broken: list[str]
    left: list[str]
    expected: int
    """On the rosters of lessons of sections."""
    absent: int
    """Marked by the system."""
    unmarked: list[str]
    """Where absent is not expected − marked."""

    @property
    def faults(self) -> dict[str, list[str]]:
        return {name: found for name in FAULTS if (found := getattr(self, name))}

    @property
    def line(self) -> str:
        """One line for people."""
        counted = (
            f"{self.acknowledged} acknowledged, {self.stored} stored, "
            f"{self.quarantined} quarantined"
        )
        if self.expected:
            counted += f", {self.expected} expected, {self.absent} absent"
        wrong = "; ".join(
            f"{len(found)} {name}: {', '.join(found[:3])}" for name, found in self.faults.items()
        )
        return f"{counted}: {wrong or 'holds'}"


def let_run_to_rest(rig: Rig) -> None:
    """Mend every server and persist until Redis holds no lesson, or nothing moves any more."""
    rig.heal()
    before: list[str] | None = None
    for _ in range(ROUNDS):
        report = rig.persist()
        left = left_in_redis(rig)
        is_done = bool(report) and not report["unavailable"]
        if is_done and (not left or left == before):
            return
        before = left


def count(rig: Rig, journal: Journal) -> Audit:
    """Compare a journal with what is stored."""
    with rig.sql() as sql:
        numbers = Numbers(sql)
        marks = numbers.together(journal.marks())
        rosters = audit_rosters(sql, marks)
    stored = _stored(rig, numbers)
    sent: dict[Pair, list[Sent]] = {}
    for each in journal.sent:
        sent.setdefault(numbers.of((each.lesson_id, each.school_number)), []).append(each)
    return Audit(
        acknowledged=len(marks),
        stored=len(stored.rows),
        quarantined=len(stored.quarantined),
        lost=[
            *(_name(pair) for pair in marks if pair not in stored.rows.keys() | stored.quarantined),
            *_lost_events(journal, stored),
        ],
        denied=[
            _name((sent.lesson_id, sent.school_number))
            for sent, status, _ in journal.refused
            if sent.kind == CHECK_IN and status == 404
        ],
        doubled=[*_doubled(marks, stored)],
        phantoms=[_name(pair) for pair in stored.rows if pair not in sent],
        overwritten=[
            f"{_name(pair)} {why}"
            for pair, row in stored.rows.items()
            if (why := _overwritten(row, marks.get(pair, []), sent.get(pair, [])))
        ],
        broken=stored.broken,
        left=stored.left,
        expected=rosters.expected,
        absent=rosters.absent,
        unmarked=rosters.wrong,
    )


def assert_holds(rig: Rig, journal: Journal) -> Audit:
    """Let run to rest, count, print the audit, and fail where a promise is broken."""
    let_run_to_rest(rig)
    audit = count(rig, journal)
    print(audit.line)
    assert not audit.faults, audit.line
    # A test in which nothing happened proves nothing.
    assert audit.acknowledged > 0
    return audit


def left_in_redis(rig: Rig) -> list[str]:
    """What Redis holds of lessons: their keys, and their entries in the queues.

    A start that was cut off leaves a lesson that nobody could ever check in to, or only
    its entry in due. Both go when that lesson would have been over.
    """
    redis = rig.redis()
    names: Any = redis.keys("attn:{*")
    queued: Any = (
        redis.zrange("attn:{queue}:due", 0, -1),
        redis.zrange("attn:{queue}:parked", 0, -1),
    )
    found = sorted(name.decode() for name in names if b"{queue}" not in name)
    found += [f"due: {each.decode()}" for each in queued[0]]
    found += [f"parked: {each.decode()}" for each in queued[1]]
    with rig.sql() as sql:
        known = {str(row[0]) for row in sql.execute(_KNOWN).fetchall()}
    unfinished = {
        lesson_id
        for lesson_id in {_id_in(each) for each in found} - known
        if redis.hget(f"attn:{{{lesson_id}}}:lesson", "phase") in {None, b"starting"}
        and not redis.exists(f"attn:{{{lesson_id}}}:records")
    }
    return [each for each in found if _id_in(each) not in unfinished]


def _id_in(text: str) -> str:
    found = _ID.search(text)
    return found[0] if found else ""


def _stored(rig: Rig, numbers: Numbers) -> Stored:
    with rig.sql() as sql:
        rows = sql.execute(
            "SELECT attendance_id, u.school_number, r.full_name, status, checked_in_at, revision,"
            " source FROM attendance_attendancerecord r"
            " JOIN users_user u ON u.id = r.student_id WHERE source <> 'system'"
        ).fetchall()
        payloads = sql.execute(
            "SELECT lesson_id, field FROM attendance_quarantinedpayload WHERE kind = 'record'"
        ).fetchall()
        events = sql.execute(
            "SELECT attendance_id, request_id FROM attendance_attendanceevent"
        ).fetchall()
        events += [
            # What cannot be read is kept byte for byte; its request id may still be found.
            (lesson_id, bytes(payload).decode("utf-8", "replace"))
            for lesson_id, payload in sql.execute(
                "SELECT lesson_id, payload FROM attendance_quarantinedpayload WHERE kind = 'event'"
            ).fetchall()
        ]
        broken = [*_orphans(sql), *_sums(sql)]
    return Stored(
        {(row[0], row[1]): Row(*row[2:]) for row in rows},
        Counter((row[0], row[1]) for row in rows),
        {numbers.of((row[0], row[1])) for row in payloads},
        Counter((row[0], row[1]) for row in events),
        broken,
        left_in_redis(rig),
    )


def _lost_events(journal: Journal, stored: Stored) -> Iterator[str]:
    for each in journal.acknowledged:
        if each.kind in {CORRECT, ADD} and not stored.events[each.lesson_id, each.request_id]:
            yield f"the event of {_name((each.lesson_id, each.school_number))}"


def _doubled(marks: dict[Pair, list[Acknowledged]], stored: Stored) -> Iterator[str]:
    yield from (f"{_name(pair)} is stored {n} times" for pair, n in stored.copies.items() if n > 1)
    yield from (f"event {key[1]} is stored {n} times" for key, n in stored.events.items() if n > 1)
    for pair, said in marks.items():
        # The same record may be called new twice where the first answer was lost, never another.
        firsts = {each.revision for each in said if each.kind == CHECK_IN and each.is_first}
        if len(firsts) > 1:
            yield f"{_name(pair)} was recorded {len(firsts)} times"


def _overwritten(row: Row, said: list[Acknowledged], sent: list[Sent]) -> str:
    """Why the stored row is not the newest word, or ''."""
    if not said:
        return ""
    told = {each.checked_in_at for each in said if each.checked_in_at}
    stored_at = {row.checked_in_at} if row.checked_in_at else set()
    if told and {datetime.fromisoformat(at) for at in told} != stored_at:
        return "was told another instant"
    # A receipt says again what its check-in said: it is no newer word, whatever its revision.
    words = [each for each in said if each.kind != RECEIPT] or said
    newest = max(words, key=lambda each: each.revision)
    if row.revision < newest.revision:
        return f"is stored at {row.revision}, was acknowledged at {newest.revision}"
    # A correction whose answer nobody heard may stand above the last one that was.
    unheard = _unheard(said, sent) if row.revision > newest.revision else set()
    if row.status not in {newest.status, *unheard}:
        return f"is {row.status}, the newest word is {newest.status}"
    return ""


def _unheard(said: list[Acknowledged], sent: list[Sent]) -> set[str]:
    heard = {each.request_id for each in said}
    return {each.status for each in sent if each.request_id not in heard}


def _sums(sql: "psycopg.Connection[tuple[Any, ...]]") -> Iterator[str]:
    """Promise 6, by the books: captured = stored, for every lesson and over all runs."""
    short = sql.execute(
        "SELECT l.lesson_id, l.state, l.record_count, l.quarantined_count, count(r.id)"
        " FROM attendance_lessonledger l"
        " LEFT JOIN attendance_attendancerecord r ON r.attendance_id = l.lesson_id"
        " AND r.source <> 'system'"
        " GROUP BY l.lesson_id"
        " HAVING l.state <> 'discarded' OR l.record_count > count(r.id) + l.quarantined_count"
    ).fetchall()
    for lesson_id, state, captured, quarantined, stored in short:
        yield f"lesson {lesson_id} is {state}: {captured} captured, {stored} + {quarantined} stored"
    unknown = sql.execute(
        "SELECT count(*) FROM attendance_attendance a WHERE NOT EXISTS"
        " (SELECT FROM attendance_lessonledger l WHERE l.lesson_id = a.id)"
    ).fetchone()
    if unknown and unknown[0]:
        yield f"{unknown[0]} lessons are in no ledger"
    # A lesson that had left Redis takes new students from a teacher or a receipt directly.
    books = sql.execute(
        "SELECT coalesce(sum(inserted), 0)::int,"
        " (SELECT count(*) FROM attendance_attendancerecord WHERE source <> 'system'),"
        " (SELECT count(*) FROM attendance_attendanceevent WHERE old = 'none')"
        " FROM attendance_persistencerun"
    ).fetchone()
    assert books
    inserted, records, added = books
    if not inserted <= records <= inserted + added:
        yield f"runs inserted {inserted}, {records} records are stored"


def _orphans(sql: "psycopg.Connection[tuple[Any, ...]]") -> Iterator[str]:
    """Rows that point to nothing, looked for by every foreign key that the database knows."""
    keys = sql.execute(
        "SELECT c.conname, c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text,"
        " f.attname FROM pg_constraint c"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]"
        " WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'attendance%'"
    ).fetchall()
    assert keys
    for name, table, column, target, key in keys:
        found = sql.execute(
            f"SELECT count(*) FROM {table} t WHERE {column} IS NOT NULL AND NOT EXISTS"
            f" (SELECT FROM {target} o WHERE o.{key} = t.{column})"
        ).fetchone()
        if found and found[0]:
            yield f"{found[0]} rows break {name}"


def _name(pair: Pair) -> str:
    # The beginning of an id is its time: lessons of one minute share it.
    return f"{pair[1]} in {str(pair[0])[-12:]}"
