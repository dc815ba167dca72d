"""The rooms of the site in the bar at the top: which a role has, and in which one a page is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from users.identity import Role


class Room(NamedTuple):
    """One entry of the bar."""

    view_name: str
    """Of the page that it leads to."""
    title: str | Promise
    pages: frozenset[str] = frozenset()
    """Names of other pages that belong to it."""


_BOARD: Final = frozenset({"board", "screen", "record", "start", "add", "roll", "print"})
_COURSE: Final = frozenset(
    {"course", "course-lessons", "course-rules", "roster-import", "new-course"}
)
_OWN: Final = frozenset({"check-in", "my-mark", "type-code", "scanned"})

_COURSES: Final = Room("courses", _("Courses"), _COURSE | {"roster-import-preview"})
_ABSENCES: Final = Room("absences", _("Absences"), frozenset({"refuse-absence"}))
_REPORT_PAGES: Final = frozenset({"report", "register", "report-people", "report-person"})
_REPORTS: Final = Room("reports", _("Reports"), _REPORT_PAGES)
_LESSONS: Final = Room("lessons", _("Lessons"), _BOARD)

ROOMS: Final[dict[str, Sequence[Room]]] = {
    Role.STUDENT: (
        Room("my-attendance", _("My attendance"), _OWN),
        Room("courses", _("My courses")),
        Room("my-absences", _("Absences"), frozenset({"ask-absence", "add-file"})),
    ),
    Role.TEACHER: (_LESSONS, _COURSES, _ABSENCES, _REPORTS),
    Role.STAFF: (
        _LESSONS,
        _COURSES,
        _ABSENCES,
        _REPORTS,
        Room("operations", _("Operations")),
        Room("admin:index", _("Administration")),
    ),
}


class Entry(NamedTuple):
    """A room as a page shows it."""

    view_name: str
    title: str | Promise
    is_here: bool


def entries_of(role: str, view_name: str) -> list[Entry]:
    """The rooms of a role, and which of them the page of this name belongs to."""
    return [
        Entry(room.view_name, room.title, view_name == room.view_name or view_name in room.pages)
        for room in ROOMS.get(role, ())
    ]
