"""A quarantined record beside its corrected copy, or beside the record that is in its way."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from attendance.models import QuarantinedPayload
from attendance.services.decisions import Original
from attendance.services.quarantine.records import CorrectedCopy, arrival_of, made_out, original_of
from attendance.vocabulary import Source, Status

COMPARED = ("school_number", "full_name", "status", "checked_in_at")


class DifferenceLine(NamedTuple):
    """One field; empty where the bytes or the corrected copy do not have it."""

    field: str
    raw: str
    corrected: str


def difference(row: QuarantinedPayload) -> SafeString:
    """A table of the fields; differences are marked as deleted and inserted."""
    if not row.corrected:
        return SafeString("–")
    cells = ((line.field, _raw_cell(line), _corrected_cell(line)) for line in lines(row))
    return _table((_("field"), _("in the raw bytes"), _("in the corrected copy")), cells)


def lines(row: QuarantinedPayload) -> Iterator[DifferenceLine]:
    """Each field of a copy, with what the damaged bytes seem to say of it."""
    said, corrected = made_out(row)._asdict(), json.loads(row.corrected)
    for field in COMPARED:
        raw, typed = said[field], corrected.get(field)
        if field == "checked_in_at":
            # Where nobody typed one, it was taken as the bytes have it.
            raw, typed = _instant(raw), _instant(typed or raw)
        yield DifferenceLine(field, str(raw or ""), str(typed or ""))


def both(record: Mapping[str, Any], row: QuarantinedPayload, copy: CorrectedCopy) -> SafeString:
    """The record of the register beside what is in quarantine, for somebody to choose."""
    original = original_of(row, copy)
    reason = original.reason if original else copy.reason
    source = original.source if original else Source.STAFF
    cells: list[tuple[str, Any, Any]] = [
        (_("name"), record["full_name"], copy.full_name),
        (_("number"), record["school_number"], copy.school_number),
        (_("status"), _status(record["status"]), _status(copy.status)),
        (_("checked in at"), _shown(record["checked_in_at"]), _shown(arrival_of(row, copy))),
        (_("source"), Source(record["source"]).label, Source(source).label),
        (_("reason"), record["reason"], reason),
        (_("flagged as deleted"), _yes_or_no(record["mark"]), _yes_or_no(_mark(original))),
        (_("changed at"), _shown(record["changed_at"]), "–"),
    ]
    return _table(("", _("in the register"), _("from quarantine")), cells)


def _mark(original: Original | None) -> str:
    return original.mark if original else "kept"


def _yes_or_no(mark: str) -> str:
    return _("no") if mark == "kept" else _("yes")


def _status(status: str) -> str:
    return str(Status(status).label) if status in Status.values else status


def _shown(at: str | datetime | None) -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return date_format(timezone.localtime(moment), "Y-m-d H:i:s") if moment else "–"


def _instant(at: str | datetime | None) -> str:
    return "" if at is None else _shown(at)


def _table(
    heads: tuple[str, str, str], cells: Iterable[tuple[str, SafeString | str, SafeString | str]]
) -> SafeString:
    return format_html(
        "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>",
        *heads,
        format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", cells),
    )


def _raw_cell(line: DifferenceLine) -> SafeString | str:
    return line.raw if line.raw == line.corrected else format_html("<del>{}</del>", line.raw)


def _corrected_cell(line: DifferenceLine) -> SafeString | str:
    if line.raw == line.corrected:
        return line.corrected
    return format_html("<ins>{}</ins>", line.corrected)
