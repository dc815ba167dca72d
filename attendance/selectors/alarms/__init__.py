"""What needs a person: one list of alarms, wherever they are shown.

To add an alarm, write its kind in `kinds.py` and let a source find it: a function in
`servers.py`, `lessons.py` or a module of its own, named in `SOURCES` of `finding.py`. Its
section in docs/how-to/repair.md has its code as the heading; a test fails without it.
"""

from attendance.selectors.alarms.current import Alarm, Current, current
from attendance.selectors.alarms.finding import FoundAlarms, find
from attendance.selectors.alarms.kinds import KINDS, AlarmKind, AlarmPart, FoundAlarm, Severity

__all__ = [
    "KINDS",
    "Alarm",
    "AlarmKind",
    "AlarmPart",
    "Current",
    "FoundAlarm",
    "FoundAlarms",
    "Severity",
    "current",
    "find",
]
