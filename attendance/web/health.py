"""Health for probes: /healthz says that the process lives, /readyz that it can work.

503 where marks cannot be taken or kept. What only needs a person is an alarm in a
200 answer, because taking the site out of service would not help.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

# Marks texts for translation and leaves them in English: probes read them, pages translate.
from django.utils.translation import gettext_noop as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance import scheduler
from attendance.errors import LiveStoreClock
from attendance.live import health
from attendance.selectors import health as database_health
from users.errors import AttnError

LATE_AFTER_PERIODS = 3
"""A lesson that waits longer than so many periods of the task is an alarm."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. No server is asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the site can take marks and keep them, and what needs a person."""
    body = report()
    return JsonResponse(body, status=503 if body["status"] == "unavailable" else 200)


def report(wording: Callable[[AttnError], str] = str) -> dict[str, Any]:
    """The answer of /readyz; `wording` makes the text of an error, for pages in their language."""
    vital = {
        "postgresql": _ask(_postgresql, wording),
        "redis": _ask(_redis, wording),
        "migrations": _ask(_migrations, wording),
    }
    alarms = {"lessons": _ask(_lessons, wording), "scheduler": _ask(_scheduler, wording)}
    is_ready = all(part["ok"] for part in vital.values())
    is_quiet = all(part["ok"] for part in alarms.values())
    status = "unavailable" if not is_ready else "ok" if is_quiet else "degraded"
    return {"status": status, **vital, **alarms}


def _ask(
    question: Callable[[], dict[str, Any]], wording: Callable[[AttnError], str]
) -> dict[str, Any]:
    try:
        return question()
    except AttnError as error:
        return {"ok": False, "detail": wording(error)}
    except DatabaseError:
        connection.close()
        return {
            "ok": False,
            "detail": _("PostgreSQL cannot be reached or does not answer in time."),
        }


def _postgresql() -> dict[str, Any]:
    # A probe must end. The limit is set for this transaction only: behind a pooler, others
    # use the same session next.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '5s', true), pg_is_in_recovery()")
        is_standby = cursor.fetchone()[1]
    if is_standby:
        return {"ok": False, "detail": _("PostgreSQL is a standby and takes no writes.")}
    return {"ok": True}


def _redis() -> dict[str, Any]:
    states = health.live_states()
    if not all(state.has_written for state in states):
        return {"ok": False, "detail": _("The last write of the live store to its disk failed.")}
    if any(state.is_clock_wrong for state in states):
        return {"ok": False, "detail": LiveStoreClock.default_message}
    if any(state.may_forget for state in states):
        return {"ok": False, "detail": _("The live store may forget lessons: see manage.py check.")}
    if any(state.cluster != "ok" for state in states):
        return {
            "ok": False,
            "detail": _("The live store's cluster does not serve every slot."),
        }
    return {"ok": True}


def _migrations() -> dict[str, Any]:
    missing = database_health.missing_migrations()
    if missing:
        return {"ok": False, "detail": _("Migrations are missing. Run manage.py migrate.")}
    return {"ok": True}


def _lessons() -> dict[str, Any]:
    waiting = database_health.waiting(at=timezone.now())
    oldest = waiting.oldest.total_seconds() if waiting.oldest else 0.0
    is_late = oldest > LATE_AFTER_PERIODS * settings.PERSIST_MINUTES * 60
    needs_person = waiting.lost or waiting.quarantined or waiting.rewound
    return {
        "ok": not (is_late or needs_person or waiting.failed),
        "oldest_waiting_seconds": round(oldest),
        "is_late": is_late,
        "lost": waiting.lost,
        "quarantined": waiting.quarantined,
        "rewound": waiting.rewound,
        "failed": waiting.failed,
    }


def _scheduler() -> dict[str, Any]:
    state = scheduler.state()
    age: dict[str, Any] = {}
    if state.age_seconds is not None:
        age = {"age_seconds": round(state.age_seconds), "is_late": state.is_late}
    if not state.is_wanted:
        detail = _("This process has no scheduler.")
        return {"ok": not state.is_late, "detail": detail, **age}
    return {"ok": state.is_alive and not state.is_late, **age}
