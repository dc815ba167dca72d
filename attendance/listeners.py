"""What happens here when something changes in courses: their signals, translated to services."""

from typing import Any

from attendance.services import excusing, rosters
from courses.signals import absence_changed, roster_changed


def connect() -> None:
    """Listen; called once, when the application is ready."""
    roster_changed.connect(_copy_roster, dispatch_uid="attendance.rosters")
    absence_changed.connect(_excuse, dispatch_uid="attendance.excusing")


def _copy_roster(section_id: int, **kwargs: Any) -> None:
    rosters.refresh_rosters_of(section_id)


def _excuse(absence_id: int, **kwargs: Any) -> None:
    excusing.follow_absence(absence_id)
