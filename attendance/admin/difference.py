"""A quarantined record beside its corrected copy, field by field."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from attendance.models import QuarantinedPayload
from attendance.services.quarantine import CorrectedCopy
from attendance.vocabulary import Status

_STATUS = re.compile("|".join(Status.values))


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
    return format_html(
        "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>",
        _("field"),
        _("in the raw bytes"),
        _("in the corrected copy"),
        format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", cells),
    )


def lines(row: QuarantinedPayload) -> Iterator[DifferenceLine]:
    """Each field of a copy, with what the damaged bytes seem to say of it."""
    text = bytes(row.payload).decode("utf-8", "backslashreplace")
    corrected = json.loads(row.corrected)
    for field in CorrectedCopy._fields:
        yield DifferenceLine(field, _value(field, text, row.field), str(corrected.get(field, "")))


def _value(field: str, text: str, key: str) -> str:
    """The value of a field, where it can still be read although the JSON is damaged; else ''."""
    if field == "status":
        # The script wrote it in the stamp, before the JSON.
        match = _STATUS.search(text.partition("{")[0])
        return match[0] if match else ""
    match = re.search(rf'"{field}":"((?:[^"\\]|\\.)*)"', text)
    if match is None:
        return key if field == "school_number" else ""
    return _unescape(match[1])


def _unescape(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _raw_cell(line: DifferenceLine) -> SafeString | str:
    return line.raw if line.raw == line.corrected else format_html("<del>{}</del>", line.raw)


def _corrected_cell(line: DifferenceLine) -> SafeString | str:
    if line.raw == line.corrected:
        return line.corrected
    return format_html("<ins>{}</ins>", line.corrected)
