"""A plan as others read it: a table in a terminal, objects for programs, a CSV file."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from django.utils.translation import gettext as _

from courses.services.rosters.plan import Action, PlannedRow, RosterPlan

_SHOWN = 50
_COLUMNS: Final = (
    *("line", "action", "section", "school_number", "full_name", "role"),
    *("begins_on", "ends_on", "code", "detail"),
)
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula."""


def as_objects(plan: RosterPlan) -> dict[str, Any]:
    """The plan for programs; rows in the order of the file."""
    return {
        "digest": plan.digest,
        "term": plan.term,
        "counts": plan.counts,
        "unread_columns": list(plan.unread_columns),
        "sections": [
            {
                "section": section.code,
                "is_new": section.section_id is None,
                "enrolled": section.enrolled,
                "ends": section.ends,
                "notes": msgspec.to_builtins(section.notes),
            }
            for section in plan.sections
        ],
        "people": msgspec.to_builtins(plan.people),
        "rows": [_object(row) for row in plan.rows],
    }


def _object(row: PlannedRow) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(row)
    return {name: values[name] for name in _COLUMNS}


def as_csv(plan: RosterPlan) -> Iterator[str]:
    """The rows of the plan as CSV, line by line; the first has a mark for spreadsheets."""
    yield "\ufeff" + _line(_COLUMNS)
    for row in plan.rows:
        values = _object(row)
        yield _line([_harmless(values[name]) for name in _COLUMNS])


def _line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _harmless(value: Any) -> Any:
    is_risky = isinstance(value, str) and value.startswith(_RISKY)
    return f"'{value}" if is_risky else value


def as_text_table(plan: RosterPlan) -> str:
    """The plan for a terminal: what would be done first, and all counts; --json has every row."""
    lines = [_("Term %(term)s. Plan %(digest)s.") % {"term": plan.term, "digest": plan.digest}]
    counts = plan.counts
    lines.append(", ".join(f"{name} {count}" for name, count in counts.items()))
    if plan.unread_columns:
        names = ", ".join(name or "–" for name in plan.unread_columns)
        lines.append(_("Columns that are not read: %(names)s.") % {"names": names[:500]})
    told = [s for s in plan.sections if s.writes or s.notes]
    for section in told[:_SHOWN]:
        mark = "+" if section.section_id is None else " "
        lines.append(f"{mark} {section.code}: {len(section.writes)} / {len(section.rows)}")
        lines += [f"    {note.code}: {note.detail}" for note in section.notes]
    if len(told) > _SHOWN:
        lines.append(_more(len(told) - _SHOWN))
    shown = [row for row in plan.rows if row.action is not Action.UNCHANGED or row.code]
    lines += [_text(row) for row in shown[:_SHOWN]]
    if len(shown) > _SHOWN:
        lines.append(_more(len(shown) - _SHOWN))
    return "\n".join(lines)


def _more(count: int) -> str:
    return _("and %(count)d more: --json names them all.") % {"count": count}


def _text(row: PlannedRow) -> str:
    days = f"{row.begins_on or ''}..{row.ends_on or ''}"
    cells = (row.section, row.school_number, row.full_name, row.role, days)
    place = f"{row.line or '–':>6} {row.action:<9} " + "  ".join(cells)
    return f"{place}  {row.code}: {row.detail}" if row.code else place
