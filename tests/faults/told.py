"""What is gone has to be told: in the ledger, and to whoever asks /readyz."""

from typing import Any

from tests.faults.audit import Audit
from tests.faults.rig import Rig, Site

_TOLD = (
    "SELECT lesson_id::text FROM attendance_lessonledger"
    " WHERE state = 'lost' OR incomplete_since IS NOT NULL"
)


def alarms(site: Site) -> set[str]:
    """The codes that /readyz tells; it says `degraded` if and only if there is one."""
    _, told = site.get("/readyz")
    codes: Any = {each["code"] for each in told["alarms"]}
    assert (told["status"] != "ok") == bool(codes), told
    return set(codes)


def silent(rig: Rig, audit: Audit) -> list[str]:
    """What was acknowledged, is gone, and is of a lesson that the ledger calls whole."""
    with rig.sql() as sql:
        told = {str(row[0])[:8] for row in sql.execute(_TOLD).fetchall()}
    gone = (*audit.lost, *audit.overwritten)
    return [text for text in gone if not any(lesson in text for lesson in told)]
