"""The lines of a report as the rows of a table.

A template goes through each of 20,000 cells on its own, and so does format_html: both take longer
than everything else. So texts are escaped here, and nothing is put in that was not.
"""

from collections.abc import Iterable, Sequence
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from reports.wording import ShownCell


def drawn(rows: Iterable[Sequence[ShownCell]], *, has_links: bool) -> SafeString:
    """One row for each line. With links, a cell leads to the report that it names."""
    lines = ("".join(_cell(cell, has_links) for cell in row) for row in rows)
    return SafeString("\n".join(f"<tr>{line}</tr>" for line in lines))


def _cell(cell: ShownCell, has_links: bool) -> str:
    text = escape(cell.text)
    if cell.status:
        inside = f'<span class="status {cell.status}">{escape(capfirst(cell.text))}</span>'
    elif has_links and cell.leads_to is not None:
        address = f"{reverse('report', args=[cell.leads_to.key])}?{cell.leads_to.query}"
        inside = f'<a href="{escape(address)}"><bdi>{text}</bdi></a>'
    else:
        inside = f"<bdi>{text}</bdi>"
    return f'<td class="{cell.column.kind.value}">{inside}</td>'
