"""Every page with who looks at it: what pictures are taken of, and what axe looks at."""

from typing import NamedTuple

from reports.digest.choice import stop_token
from tests.browser import school
from tests.browser.school import SmallSchool
from tests.support import absences
from tests.support.callers import account
from users.identity import Person


class Look(NamedTuple):
    name: str
    person: Person | None
    path: str
    is_phone: bool = False


def every_page(made: SmallSchool) -> list[Look]:
    absent = absences.ON_ROSTER.school_number
    return [
        Look("sign-in", None, "/accounts/login/"),
        Look("password-forgotten", None, "/accounts/password/reset/", is_phone=True),
        Look("type-link", None, "/j/", is_phone=True),
        Look("link-over", None, "/j/000000000000/", is_phone=True),
        Look(
            "daily-mail", None, f"/reports/digest/{stop_token(account(school.TEACHER).pk)}/", True
        ),
        Look("daily-mail-link-broken", None, "/reports/digest/x/"),
        Look("account", school.STAFF, "/accounts/"),
        Look("signed-in", school.STAFF, "/accounts/sessions/"),
        Look("second-factor", school.TEACHER, "/accounts/2fa/"),
        Look("admin", school.STAFF, "/admin/"),
        Look("admin-ledger", school.STAFF, "/admin/attendance/lessonledger/"),
        # The forms of the administration import a stylesheet, which axe reads by an inline style.
        Look("webhooks", school.STAFF, "/admin/webhooks/webhookendpoint/"),
        Look("deliveries", school.STAFF, "/admin/webhooks/delivery/"),
        Look("not-found", school.TEACHER, "/nothing/here/"),
        Look("lessons", school.TEACHER, "/lessons/"),
        Look("lessons-empty", Person("T-9", "Teacher 9", school.TEACHER.role), "/lessons/"),
        Look("lessons-staff", school.STAFF, "/lessons/"),
        Look("first-steps", school.STAFF, "/first-steps/"),
        Look("people-import", school.STAFF, "/people/import/"),
        Look("people-add", school.STAFF, "/people/add/"),
        Look("first-passwords", school.STAFF, "/people/invite/"),
        Look("new-course", school.STAFF, "/courses/new/"),
        Look("operations", school.STAFF, "/admin/operations/"),
        Look("board", school.TEACHER, f"/lessons/{made.live}/"),
        Look("board-course", school.SIXTH, f"/lessons/{made.course_lesson}/"),
        Look("roll", school.SIXTH, f"/lessons/{made.course_lesson}/roll/", is_phone=True),
        Look("register-print", school.SIXTH, f"/lessons/{made.course_lesson}/print/"),
        Look("board-to-decide", school.OTHER, f"/lessons/{made.open}/?tab=decide"),
        Look("board-saved", school.TEACHER, f"/lessons/{made.past}/"),
        Look("lessons-waiting", school.FOURTH, "/lessons/"),
        Look("board-waiting", school.FOURTH, f"/lessons/{made.waiting}/"),
        Look("board-failed", school.FOURTH, f"/lessons/{made.failed}/"),
        Look("board-lost", school.FOURTH, f"/lessons/{made.lost}/"),
        Look("board-unreadable", school.FOURTH, f"/lessons/{made.unreadable}/"),
        Look("screen-over", school.FOURTH, f"/lessons/{made.waiting}/screen/"),
        Look("record", school.TEACHER, f"/lessons/{made.past}/records/S-003/"),
        Look("screen", school.OTHER, f"/lessons/{made.open}/screen/"),
        Look("courses", school.TEACHER, "/courses/"),
        Look("courses-empty", Person("T-9", "Teacher 9", school.TEACHER.role), "/courses/"),
        Look("courses-staff", school.STAFF, "/courses/"),
        Look("course", school.TEACHER, f"/courses/{made.course}/"),
        Look("course-lessons", school.TEACHER, f"/courses/{made.course}/lessons/"),
        Look("course-rules", school.TEACHER, f"/courses/{made.course}/rules/"),
        Look("report-courses", school.STAFF, "/reports/courses/"),
        Look("report-missed", school.STAFF, "/reports/missed/"),
        Look("register", school.TEACHER, f"/reports/register/?section={made.course}"),
        Look("report-people", school.TEACHER, f"/reports/people/?section={made.course}"),
        Look("report-lessons", school.TEACHER, f"/reports/lessons/?section={made.course}"),
        Look("report-marks", school.STAFF, "/reports/marks/"),
        Look("report-cases", school.TEACHER, f"/reports/cases/?section={made.course}"),
        Look("report-own", school.STUDENT, "/reports/marks/", is_phone=True),
        Look("report-person", absences.STAFF, f"/reports/person/?person={absent}"),
        Look("report-person-own", school.STUDENT, "/reports/person/", is_phone=True),
        Look("report-empty", school.TEACHER, f"/reports/not-held/?section={made.course}"),
        Look("my-courses", school.STUDENT, "/courses/", is_phone=True),
        Look("my-courses-assistant", school.NEWCOMER, "/courses/", is_phone=True),
        Look("type-code", school.NEWCOMER, "/c/", is_phone=True),
        Look("check-in", school.NEWCOMER, f"/lessons/{made.live}/here/", is_phone=True),
        Look("check-in-not-begun", school.NEWCOMER, f"/lessons/{made.scheduled}/here/", True),
        Look("check-in-over", school.NEWCOMER, f"/lessons/{made.waiting}/here/", is_phone=True),
        Look("my-mark", school.STUDENT, f"/lessons/{made.live}/mine/", is_phone=True),
        Look("my-mark-late", Person("S-003", "Student 003"), f"/lessons/{made.live}/mine/", True),
        Look("my-mark-none", school.NEWCOMER, f"/lessons/{made.past}/mine/", is_phone=True),
        Look("my-attendance", school.STUDENT, "/me/", is_phone=True),
        Look("absences", absences.TEACHER, "/absences/"),
        Look("absences-staff", absences.STAFF, "/absences/"),
        Look("absences-empty", Person("T-9", "Teacher 9", school.TEACHER.role), "/absences/"),
        Look("refuse-absence", absences.TEACHER, f"/absences/{made.absence}/refuse/"),
        Look("my-absences", absences.ON_ROSTER, "/me/absences/", is_phone=True),
        Look("my-absences-empty", school.NEWCOMER, "/me/absences/", is_phone=True),
        Look("ask-absence", absences.ON_ROSTER, "/me/absences/ask/", is_phone=True),
        Look("add-file", absences.ON_ROSTER, f"/me/absences/{made.absence}/file/", is_phone=True),
        Look("wrong-role", school.STUDENT, "/lessons/", is_phone=True),
    ]
