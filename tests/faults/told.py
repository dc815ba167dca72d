"""What is gone has to be told: in the ledger, and to whoever asks /readyz."""

from collections.abc import Iterable
from typing import Any

from tests.faults.audit import FAULTS, Audit
from tests.faults.journal import Journal
from tests.faults.rig import Rig, Site

_GONE = "state = 'lost' OR incomplete_since IS NOT NULL"
_UNCOUNTED = (
    "EXISTS (SELECT FROM attendance_olderlivestore o"
    " WHERE o.found_at BETWEEN first_seen_at AND coalesce(discarded_at, now()))"
)
_COPIES = "last_error LIKE 'rewound%'"

WORDS = ("lost", "overwritten", "denied")
"""Excused where the ledger calls their lesson lost or incomplete; a copy that came back is none."""


def alarms(site: Site) -> set[str]:
    """The codes that /readyz tells; it says `degraded` if and only if there is one."""
    _, told = site.get("/readyz")
    codes: Any = {each["code"] for each in told["alarms"]}
    assert (told["status"] != "ok") == bool(codes), told
    return set(codes)


def silent(rig: Rig, audit: Audit) -> list[str]:
    """What was acknowledged, is gone, and is of a lesson that the ledger calls whole."""
    return _not_of(_lessons(rig, _GONE), (*audit.lost, *audit.overwritten))


def untold(rig: Rig, journal: Journal, audit: Audit) -> Audit:
    """The audit without what the ledger tells: of lessons that are lost, incomplete or rewound.

    And of lessons that were open when an older copy came back: there only what was acknowledged
    between the copy and its return may be gone.
    """
    uncounted = _said_meanwhile(rig, journal) & _lessons(rig, _UNCOUNTED)
    gone = _lessons(rig, _GONE) | uncounted
    known = _lessons(rig, f"{_GONE} OR {_COPIES}") | uncounted
    left: dict[str, Any] = {
        name: _not_of(gone if name in WORDS else known, getattr(audit, name)) for name in FAULTS
    }
    # What was said to a copy afterwards may be newer and have a smaller revision: the word
    # that had to give way is in quarantine.
    left["overwritten"] = _not_of(_set_aside(rig), left["overwritten"])
    return audit._replace(**left)


def _said_meanwhile(rig: Rig, journal: Journal) -> set[str]:
    """The lessons of which something was acknowledged while a copy was older than the store."""
    return {
        str(each.lesson_id)[-12:]
        for each in journal.acknowledged
        if any(taken <= each.heard_at <= back for taken, back in rig.returns)
    }


def _set_aside(rig: Rig) -> set[str]:
    """The marks of which a record is in quarantine, as an audit names them."""
    with rig.sql() as sql:
        rows = sql.execute(
            "SELECT field, lesson_id::text FROM attendance_quarantinedpayload WHERE kind = 'record'"
        ).fetchall()
    return {f"{field} in {str(lesson_id)[-12:]}" for field, lesson_id in rows}


def _lessons(rig: Rig, which: str) -> set[str]:
    """The ends of their ids, as an audit names them."""
    with rig.sql() as sql:
        rows = sql.execute(
            f"SELECT lesson_id::text FROM attendance_lessonledger WHERE {which}"
        ).fetchall()
    return {str(row[0])[-12:] for row in rows}


def _not_of(lessons: set[str], texts: Iterable[str]) -> list[str]:
    return [text for text in texts if not any(lesson in text for lesson in lessons)]
