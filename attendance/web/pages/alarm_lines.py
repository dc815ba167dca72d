"""The alarms as the page of operations lists them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from attendance.selectors.alarms import Alarm, AlarmPart, Current
from attendance.selectors.alarms.kinds import LESSON_LOST, QUARANTINE_OPEN
from attendance.wording import alarms as wording

SHOWN = 20
"""So many of one kind; `manage.py alarms` lists the others."""


class AlarmLine(NamedTuple):
    tone: str
    cause: str
    about: str
    since: datetime | None
    acknowledged: str
    look_at: str
    """Where it can be looked at; '' where that is no page."""
    acknowledge_at: str
    settle_at: str


class KindOfAlarm(NamedTuple):
    code: str
    what_to_do: str
    lines: list[AlarmLine]
    more: int


def read(now: Current) -> list[KindOfAlarm]:
    return list(_kinds(now.alarms))


def _kinds(alarms: list[Alarm]) -> Iterator[KindOfAlarm]:
    for code, group in groupby(alarms, key=lambda alarm: alarm.kind.code):
        same = sorted(group, key=lambda alarm: not alarm.is_open)
        lines = [_line(alarm) for alarm in same[:SHOWN]]
        yield KindOfAlarm(code, wording.what_to_do(same[0].found), lines, len(same) - len(lines))


def _line(alarm: Alarm) -> AlarmLine:
    kind, found = alarm.kind, alarm.found
    asked = {"code": kind.code, "subject": found.subject, "cause": found.cause}
    settle_at = _ask("lessonledger_settle", {"lesson": found.subject})
    return AlarmLine(
        tone=wording.tone(alarm),
        cause=wording.cause(found),
        about=found.about,
        since=alarm.since,
        acknowledged=wording.acknowledged(alarm),
        look_at=_look_at(alarm),
        acknowledge_at=_ask("alarmepisode_acknowledge", asked) if kind.may_be_acknowledged else "",
        settle_at=settle_at if kind is LESSON_LOST else "",
    )


def _ask(page: str, asked: dict[str, str]) -> str:
    return f"{reverse(f'admin:attendance_{page}')}?{urlencode(asked)}"


def _look_at(alarm: Alarm) -> str:
    subject = alarm.found.subject
    if alarm.kind is QUARANTINE_OPEN:
        return _ask("quarantinedpayload_changelist", {"q": subject, "state__exact": "open"})
    if alarm.kind.part is AlarmPart.LESSONS and subject:
        return reverse("admin:attendance_lessonledger_change", args=[subject])
    return ""
