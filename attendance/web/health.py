"""Health for probes: /healthz says that the process lives, /readyz that it can work.

503 where marks cannot be taken or kept. What only needs a person is an alarm in a
200 answer, because taking the site out of service would not help.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance import scheduler
from attendance.selectors import alarms
from attendance.selectors import health as database_health
from attendance.selectors.alarms import Alarm, AlarmPart, Current, FoundAlarm
from attendance.selectors.alarms.kinds import SCHEDULER_LATE, SCHEDULER_STOPPED
from attendance.selectors.alarms.lessons import is_late
from attendance.wording import alarms as wording


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. No server is asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the site can take marks and keep them, and what needs a person.

    Anybody may ask: it names no lesson and no person. It is English, since probes read it. However
    many ask at once, one thread of a process looks; the others get what it found before.
    """
    body = _TURN.take(_look_for_probe)
    return JsonResponse(body, status=503 if body["status"] == "unavailable" else 200)


def _look_for_probe() -> dict[str, Any]:
    with translation.override("en"):
        state = _scheduler_state()
        return report(alarms.current(is_probe=True, also=_of_this_process(state)), state)


class _Turn:
    """One look at a time; who comes meanwhile gets the last answer, or waits for the first one."""

    def __init__(self) -> None:
        self._lock, self._last = threading.Lock(), dict[str, Any]()

    def take(self, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if not self._lock.acquire(blocking=not self._last):
            return self._last
        try:
            self._last = look()
            return self._last
        finally:
            self._lock.release()


_TURN = _Turn()


class Probes:
    """Middleware: probes are answered whichever host they name, as a pod's address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = {"/healthz": healthz, "/readyz": readyz}.get(request.path_info)
        return self.get_response(request) if probe is None else probe(request)


def look() -> Current:
    """The alarms of the site, and those that this process knows of itself."""
    return alarms.current(also=_of_this_process(_scheduler_state()))


def _of_this_process(state: scheduler.SchedulerState | None) -> Iterator[FoundAlarm]:
    if state is not None and state.is_wanted and not scheduler.is_alive():
        yield FoundAlarm(SCHEDULER_STOPPED)
    if state is not None and state.is_late:
        yield FoundAlarm(SCHEDULER_LATE)


def report(now: Current, state: scheduler.SchedulerState | None) -> dict[str, Any]:
    """The answer of /readyz."""
    vital = (AlarmPart.POSTGRESQL, AlarmPart.REDIS, AlarmPart.MIGRATIONS)
    return {
        "status": now.status,
        **{part.value: _vital(now, part) for part in vital},
        "lessons": _lessons(now),
        "scheduler": _scheduler(now, state),
        "alarms": list(_told(now.alarms)),
    }


def _vital(now: Current, part: AlarmPart) -> dict[str, Any]:
    if now.works(part):
        return {"ok": True}
    # What could not be asked is as well as the server that was to answer.
    where = part if now.of(part) else AlarmPart.POSTGRESQL
    return {"ok": False, "detail": wording.cause(now.of(where)[0].found)}


def _lessons(now: Current) -> dict[str, Any]:
    if AlarmPart.LESSONS in now.unknown:
        return _vital(now, AlarmPart.MIGRATIONS)
    try:
        waiting = database_health.waiting(at=timezone.now())
    except DatabaseError:
        connection.close()
        return {"ok": False}
    oldest_at = waiting.oldest_at
    return {
        "ok": now.is_quiet(AlarmPart.LESSONS),
        "oldest_waiting_seconds": round((timezone.now() - oldest_at).total_seconds())
        if oldest_at
        else 0,
        "is_late": is_late(oldest_at),
        "lost": waiting.lost,
        "quarantined": waiting.quarantined,
        "rewound": waiting.rewound,
        "incomplete": waiting.incomplete,
        "failed": waiting.failed,
    }


def _scheduler(now: Current, state: scheduler.SchedulerState | None) -> dict[str, Any]:
    told: dict[str, Any] = {"ok": now.is_quiet(AlarmPart.SCHEDULER)}
    if state is not None and state.age_seconds is not None:
        told |= {"age_seconds": round(state.age_seconds), "is_late": state.is_late}
    if not scheduler.is_wanted():
        told["detail"] = "This process has no scheduler."
    return told


def _scheduler_state() -> scheduler.SchedulerState | None:
    """None where PostgreSQL, which another alarm tells of, had to be asked."""
    try:
        return scheduler.state()
    except DatabaseError:
        connection.close()
        return None


def _told(on: Iterable[Alarm]) -> Iterator[dict[str, Any]]:
    """Each kind of alarm once: how many there are, and not of whom."""
    for code, group in groupby(on, key=lambda alarm: alarm.kind.code):
        same = list(group)
        first = next((alarm for alarm in same if alarm.is_open), same[0])
        since = [alarm.since for alarm in same if alarm.since]
        yield {
            "code": code,
            "severity": first.kind.severity.value,
            "count": len(same),
            "acknowledged": sum(not alarm.is_open for alarm in same),
            "since": min(since).isoformat() if since else None,
            "cause": wording.cause(first.found),
            "what_to_do": wording.what_to_do(first.found),
            "see": first.kind.see,
        }
