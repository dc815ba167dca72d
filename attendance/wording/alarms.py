"""Alarms as people read them: in the language that is active now."""

from typing import Any

from django.utils.translation import gettext as _

from attendance.selectors.alarms import Alarm, FoundAlarm, Severity
from users.wording import in_words, said

TONES = {Severity.UNAVAILABLE: "bad", Severity.ALARM: "warn"}


def cause(found: FoundAlarm) -> str:
    """What is the matter, without names of people."""
    if found.error is not None:
        return in_words(found.error)
    return said(found.kind.cause, **found.facts)


def what_to_do(found: FoundAlarm) -> str:
    return said(found.kind.what_to_do)


def tone(alarm: Alarm) -> str:
    """As the page colours it: bad, warn, or muted where somebody has said that it may stay."""
    return TONES[alarm.kind.severity] if alarm.is_open else "known"


def acknowledged(alarm: Alarm) -> str:
    """Who has said that it may stay, and why; '' where nobody has."""
    word = alarm.acknowledgement
    if word is None:
        return ""
    return _("%(name)s has acknowledged it: %(reason)s") % {
        "name": word.actor_name,
        "reason": word.reason,
    }


def told(alarm: Alarm) -> dict[str, Any]:
    """Everything that staff are told of an alarm, as programs read it."""
    word = alarm.acknowledgement
    return {
        "code": alarm.kind.code,
        "subject": alarm.found.subject,
        "about": alarm.found.about,
        "severity": alarm.kind.severity.value,
        "since": alarm.since,
        "cause": cause(alarm.found),
        "what_to_do": what_to_do(alarm.found),
        "see": alarm.kind.see,
        "acknowledged_at": word.acknowledged_at if word else None,
        "acknowledged_by": word.actor_name if word else "",
        "acknowledged_reason": word.reason if word else "",
    }
