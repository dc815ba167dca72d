"""For staff: whether everything runs, what waits, and what needs a person."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import messages
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance import scheduler
from attendance.models import PersistenceRun
from attendance.rules.permissions import MAY_OPERATE
from attendance.selectors.operations import read_books
from attendance.services import alarms
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.vocabulary import Trigger
from attendance.web import health
from attendance.web.callers import signed_in
from attendance.web.pages import alarm_lines
from attendance.wording import runs, site_health

WIDTH, HEIGHT, GAP, WIDEST = 800, 120, 2, 40
NO_CONTENT = 204
FIGURES = "attendance/pages/operations_figures.html"


class Bar(NamedTuple):
    """One run of the chart, in the units of its drawing."""

    x: float
    width: float
    stored: float
    quarantined: float
    is_trouble: bool
    run: PersistenceRun


@never_cache
@require_safe
@signed_in(*MAY_OPERATE)
def operations(request: HttpRequest) -> HttpResponse:
    """The whole page; its figures are also served alone."""
    return render(request, "attendance/pages/operations.html", {"figures": _figures_html()[0]})


@never_cache
@require_safe
@signed_in(*MAY_OPERATE)
def figures(request: HttpRequest) -> HttpResponse:
    """The figures alone; 204 where the browser has the newest ones."""
    html, name = _figures_html()
    if request.GET.get("known") == name:
        return HttpResponse(status=NO_CONTENT)
    return HttpResponse(html)


@require_POST
@signed_in(*MAY_OPERATE)
def persist(request: HttpRequest) -> HttpResponse:
    """Run the task now, also for parked lessons."""
    report = unified_persistence_task(options=RunOptions(trigger=Trigger.ADMIN, retry_parked=True))
    alarms.look()
    level = messages.ERROR if report.exit_status else messages.SUCCESS
    messages.add_message(request, level, runs.in_words(report))
    return redirect("operations")


def _figures_html() -> tuple[SafeString, str]:
    """The figures as HTML, and a name that differs for each text."""
    html = render_to_string(FIGURES, _figures())
    name = hashlib.sha256(html.encode()).hexdigest()[:16]
    field = format_html('<input type="hidden" id="known" name="known" value="{}">', name)
    return html + field, name


def _figures() -> dict[str, Any]:
    """The context of the figures; where PostgreSQL is away, only the health of the site."""
    now = health.look()
    context: dict[str, Any] = {
        "health": site_health.of_health(now, has_scheduler=scheduler.is_wanted()),
        "alarms": alarm_lines.read(now),
    }
    try:
        books = read_books(at=timezone.now())
    except DatabaseError:
        connection.close()
        return context | {"books": None}
    stored_counts = [run.inserted + run.updated for run in books.runs]
    return context | {
        "books": books,
        "bars": _bars(books.runs),
        "width": WIDTH,
        "height": HEIGHT,
        "most": max(stored_counts, default=0),
    }


def _bars(runs: Sequence[PersistenceRun]) -> list[Bar]:
    most = max((run.inserted + run.updated + run.quarantined for run in runs), default=0) or 1
    step = min(WIDTH / max(len(runs), 1), WIDEST)
    return [
        Bar(
            x=round(number * step, 1),
            width=round(step - GAP, 1),
            stored=round(HEIGHT * (run.inserted + run.updated) / most, 1),
            quarantined=round(HEIGHT * run.quarantined / most, 1),
            is_trouble=bool(run.error or run.failed),
            run=run,
        )
        for number, run in enumerate(runs)
    ]
