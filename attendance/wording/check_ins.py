"""The texts for students: title and next step of each outcome of a check-in."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from attendance.errors import AttendanceError, TooManyAttempts
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.vocabulary import Source, Status
from attendance.wording.why import is_held_walk_in
from users.wording import in_words


class Words(NamedTuple):
    title: str | Promise
    next_step: str | Promise
    tone: str
    """good, warn or bad: a colour and a sign, never the only difference."""
    reload_seconds: int | None = None
    """After how many seconds the page reloads by itself; None where it does not."""
    wants_code: bool = False
    """Whether scanning or typing the code again helps."""


_RECORDS = {
    Status.PRESENT: Words(
        _("You are here"), _("Your check-in counts. Show this page if asked."), "good"
    ),
    Status.LATE: Words(_("You are here, late"), _("Your check-in counts as late."), "warn"),
    Status.PENDING: Words(
        _("Waiting for verification"),
        _("Your check-in is kept. This page looks again by itself."),
        "warn",
        reload_seconds=10,
    ),
    Status.ABSENT: Words(
        _("Marked absent"),
        _("Your teacher marked you absent. Speak to them if that is wrong."),
        "bad",
    ),
    Status.EXCUSED: Words(
        _("Excused"), _("Your teacher excused you. There is nothing to do."), "good"
    ),
    Status.REJECTED: Words(
        _("Rejected by your teacher"),
        _("Your check-in does not count. Speak to your teacher."),
        "bad",
    ),
}
_HELD_WALK_IN = Words(
    _("You are not on the roster"),
    _("Your check-in is kept: your teacher decides. This page looks again by itself."),
    "warn",
    reload_seconds=10,
)
_TOO_LATE = Words(
    _("Too late: this counts as absent"),
    _("Your arrival is kept, and your teacher sees it. Speak to them if that is wrong."),
    "bad",
)
_MISSED = Words(
    _("Absent"), _("You were expected and have no check-in. Ask your teacher if you came."), "bad"
)
_APPROVED = Words(
    _("Excused"), _("An approved absence covers this lesson. There is nothing to do."), "good"
)
_NOT_HELD = Words(
    _("Not held"),
    _("This lesson counts for nobody. There is nothing to do."),
    "warn",
)
_OF_SOURCE = {
    (Source.SYSTEM, Status.ABSENT): _MISSED,
    (Source.SYSTEM, Status.EXCUSED): _APPROVED,
    (Source.STUDENT, Status.ABSENT): _TOO_LATE,
    (Source.RECEIPT, Status.ABSENT): _TOO_LATE,
    (Source.VERIFIER, Status.ABSENT): _TOO_LATE,
    (Source.VERIFIER, Status.REJECTED): Words(
        _("Not verified"), _("Your check-in does not count. Speak to your teacher."), "bad"
    ),
    (Source.STAFF, Status.ABSENT): Words(
        _("Marked absent"),
        _("Your staff marked you absent. Speak to them if that is wrong."),
        "bad",
    ),
    (Source.STAFF, Status.EXCUSED): Words(
        _("Excused"), _("Your staff excused you. There is nothing to do."), "good"
    ),
    (Source.STAFF, Status.REJECTED): Words(
        _("Rejected by your staff"), _("Your check-in does not count. Speak to your staff."), "bad"
    ),
}
"""Where the text depends on who decided."""
_DELETED = Words(
    _("Taken out by your teacher"), _("This mark does not count. Speak to your teacher."), "bad"
)

_ERRORS = {
    "lesson_not_found": Words(
        _("There is no such lesson"),
        _("Scan the code on the screen again, or type it."),
        "bad",
        wants_code=True,
    ),
    "lesson_not_open": Words(
        _("Not open yet"), _("This page tries again by itself."), "warn", reload_seconds=10
    ),
    "lesson_closed": Words(_("This lesson is over"), _("Ask your teacher to add you."), "bad"),
    "lesson_full": Words(
        _("This lesson is full"), _("Tell your teacher: a second lesson is needed."), "bad"
    ),
    "code_missing": Words(
        _("The code is missing"),
        _("Scan the code on the screen, or type it."),
        "warn",
        wants_code=True,
    ),
    "code_wrong": Words(
        _("That is not the code"),
        _("Scan the code on the screen, or type it again."),
        "bad",
        wants_code=True,
    ),
    "code_expired": Words(
        _("That code is too old"),
        _("Scan the code that is on the screen now."),
        "warn",
        wants_code=True,
    ),
    "code_longer": Words(
        _("The code is longer now"),
        _("Type all of it from the screen, or scan the picture."),
        "warn",
        wants_code=True,
    ),
    "too_many_wrong_codes": Words(
        _("Too many wrong codes"),
        _("Typing does not help any more in this lesson. Scan the picture with your camera."),
        "bad",
    ),
    "scan_not_yours": Words(
        _("This scan is not yours"),
        _("It was made or used by somebody else. Scan the code that is on the screen now."),
        "bad",
        wants_code=True,
    ),
    "network_not_allowed": Words(
        _("Not from this network"), _("Join the network of the campus, then try again."), "bad"
    ),
    "not_on_roster": Words(
        _("You are not on the roster"),
        _("Your teacher sees that you were here. Ask them to add you."),
        "bad",
    ),
    "lesson_not_held": Words(
        _("This lesson is not held"), _("Nobody has to check in to it."), "warn"
    ),
    "rejected_by_teacher": Words(_("Rejected by your teacher"), _("Speak to your teacher."), "bad"),
    "too_many_attempts": Words(_("Too many tries"), _("Wait a moment, then try again."), "warn"),
    "too_many_from_here": Words(
        _("Too many tries here"),
        _("Sign in first, then type the code: whoever signs in does not wait for others."),
        "warn",
    ),
    "live_store_unavailable": Words(
        _("The server is busy"),
        _("Nothing is lost: a scan is kept for five minutes. The button comes back by itself."),
        "warn",
        reload_seconds=5,
    ),
    "live_store_clock": Words(
        _("The server's clock is wrong"),
        _("Nothing can be taken just now. Tell your teacher; this page tries again by itself."),
        "warn",
        reload_seconds=10,
    ),
}

NOT_KEPT = Words(
    _("The server is busy"), _("Scan the code that is on the screen now."), "warn", wants_code=True
)
"""Without the live store a code cannot be checked, so its scan is not kept."""


def of_record(record: RegisterRecord, lesson: LessonBrief) -> Words:
    """The text of a student's own mark."""
    if lesson.not_held_reason:
        return _NOT_HELD
    if record.is_deleted:
        return _DELETED
    if is_held_walk_in(record):
        return _HELD_WALK_IN
    status = Status(record.status)
    return _OF_SOURCE.get((Source(record.source), status)) or _RECORDS[status]


def of_error(error: AttendanceError) -> Words:
    """The text of a refusal; one without a text of its own has the message of its error."""
    words = _ERRORS.get(error.code)
    seconds = error.context.get("retry_after")
    if words and type(error) is TooManyAttempts and seconds:
        next_step = ngettext(
            "Wait %d second, then try again.", "Wait %d seconds, then try again.", seconds
        )
        return words._replace(next_step=next_step % seconds)
    return words or Words(_("That did not work"), in_words(error), "bad")
