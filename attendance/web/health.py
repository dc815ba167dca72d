"""Health for probes: /healthz says that the process lives, /readyz that it can work.

503 where marks cannot be taken or kept; what only needs a person is an alarm
in a 200 answer, because taking the site out of service would help nobody.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

# Named for translation, and kept in English: probes read it, pages translate.
from django.utils.translation import gettext_noop as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance import scheduler
from attendance.live import health
from attendance.selectors import health as books
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
    told = report()
    return JsonResponse(told, status=503 if told["status"] == "unavailable" else 200)


def report(words: Callable[[AttnError], str] = str) -> dict[str, Any]:
    """What /readyz says; pages have errors told in their reader's words."""
    vital = {
        "postgresql": _asked(_postgresql, words),
        "redis": _asked(_redis, words),
        "migrations": _asked(_migrations, words),
    }
    alarms = {"lessons": _asked(_lessons, words), "scheduler": _asked(_scheduler, words)}
    is_ready = all(part["ok"] for part in vital.values())
    is_quiet = all(part["ok"] for part in alarms.values())
    status = "unavailable" if not is_ready else "ok" if is_quiet else "degraded"
    return {"status": status, **vital, **alarms}


def _asked(
    question: Callable[[], dict[str, Any]], words: Callable[[AttnError], str]
) -> dict[str, Any]:
    try:
        return question()
    except AttnError as error:
        return {"ok": False, "detail": words(error)}
    except DatabaseError:
        connection.close()
        return {
            "ok": False,
            "detail": _("PostgreSQL cannot be reached or does not answer in time."),
        }


def _postgresql() -> dict[str, Any]:
    # A probe must end. The limit is this transaction's: behind a pooler, the session is
    # that of whoever comes next.
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
    if any(state.may_forget for state in states):
        return {"ok": False, "detail": _("The live store may forget lessons: see manage.py check.")}
    if any(state.cluster != "ok" for state in states):
        return {
            "ok": False,
            "detail": _("The live store's cluster does not serve every slot."),
        }
    return {"ok": True}


def _migrations() -> dict[str, Any]:
    missing = books.missing_migrations()
    if missing:
        return {"ok": False, "detail": _("Migrations are missing. Run manage.py migrate.")}
    return {"ok": True}


def _lessons() -> dict[str, Any]:
    found = books.waiting(at=timezone.now())
    oldest = found.oldest.total_seconds() if found.oldest else 0.0
    is_late = oldest > LATE_AFTER_PERIODS * settings.PERSIST_MINUTES * 60
    needs_person = found.lost or found.quarantined or found.rewound
    return {
        "ok": not (is_late or needs_person or found.failed),
        "oldest_waiting_seconds": round(oldest),
        "is_late": is_late,
        "lost": found.lost,
        "quarantined": found.quarantined,
        "rewound": found.rewound,
        "failed": found.failed,
    }


def _scheduler() -> dict[str, Any]:
    if not scheduler.is_wanted():
        return {"ok": True, "detail": _("This process has no scheduler.")}
    return {"ok": scheduler.is_alive()}
