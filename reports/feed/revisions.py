"""Up to where somebody has read: a transaction of one database."""

import re
from typing import Any, Final, NamedTuple

from reports.errors import InvalidRevision, RevisionUnknown

EVERYTHING: Final = "0"
_PATTERN: Final = re.compile(r"(\d{1,20})-(\d{1,10})-(\d{1,19})")
_PRESENT: Final = """
    SELECT (pg_control_system()).system_identifier, (pg_control_checkpoint()).timeline_id,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint"""


class Revision(NamedTuple):
    system: int
    """The database server, which a restored dump does not share."""
    timeline: int
    """A server that was set back to an earlier state goes on under another one."""
    transaction: int
    """The oldest one that was open."""

    def __str__(self) -> str:
        return "-".join(map(str, self))


def present_revision(cursor: Any) -> Revision:
    """That of the snapshot in which the cursor reads."""
    cursor.execute(_PRESENT)
    return Revision(*cursor.fetchone())


def read_revision(text: str) -> Revision | None:
    """None for "0", which is before everything. Raises InvalidRevision."""
    if text == EVERYTHING:
        return None
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise InvalidRevision(revision=text)
    return Revision(*map(int, found.groups()))


def check_is_before(since: Revision, present: Revision) -> None:
    """Raises RevisionUnknown for one of another database, or of a later state than this one has."""
    same = (since.system, since.timeline) == (present.system, present.timeline)
    if not same or since.transaction > present.transaction:
        raise RevisionUnknown(revision=str(since))
