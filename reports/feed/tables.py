"""Which rows of which view an export has."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from reports.feed.revisions import Revision

_LESSONS: Final = "SELECT lesson_id FROM reports_touchedlesson WHERE changed_in >= {since}"
_OF_LESSONS: Final = f"lesson_key IN ({_LESSONS})"
_DAYS: Final = (
    "SELECT held_on, section_id FROM attendance_attendance"
    f" WHERE section_id IS NOT NULL AND id IN ({_LESSONS})"
)
# The arrays are bounds that the view passes on to its tables: it adds up no other section.
_OF_DAYS: Final = (
    f"section_key = ANY(ARRAY(SELECT section_id FROM ({_DAYS}) AS d))"
    f" AND held_on = ANY(ARRAY(SELECT held_on FROM ({_DAYS}) AS d))"
    f" AND (held_on, section_key) IN ({_DAYS})"
)


class FeedTable(NamedTuple):
    name: str
    changed: str = ""
    """What is true of rows of lessons that were touched; '' for a table that is always whole."""

    def query(self, since: Revision | None) -> str:
        every = f"SELECT * FROM attn_v1.{self.name}"
        if since is None or not self.changed:
            return every
        return f"{every} WHERE {self.changed.format(since=since.transaction)}"


_TABLES: Final = (
    FeedTable("dim_person"),
    FeedTable("dim_section"),
    FeedTable("dim_lesson", _OF_LESSONS),
    FeedTable("fct_record", _OF_LESSONS),
    FeedTable("fct_event", _OF_LESSONS),
    FeedTable("fct_daily", _OF_DAYS),
)
_NAMES: Final = FeedTable("dim_person_names")


def tables_of(*, with_names: bool) -> Sequence[FeedTable]:
    """Names are only for those who ask for them."""
    return (*_TABLES, _NAMES) if with_names else _TABLES
