"""The addresses of the pages. Those of Django's admin and of the API stand elsewhere."""

from allauth.account import views as allauth_views
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from attendance.web import campus, recovery_codes
from attendance.web.pages import (
    absences,
    account,
    adding,
    board,
    check_in,
    course,
    course_rules,
    courses,
    home,
    installed,
    invitations,
    marking,
    my_absences,
    new_course,
    operations,
    passwords,
    people,
    record,
    roll,
    roster_import,
    screen,
    setup,
    several,
    signed_in,
    student,
    teacher,
)


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Accounts are made by staff, and have no e-mail address to prove."""
    raise Http404


_teacher = [
    path("lessons/", teacher.lessons, name="lessons"),
    path("lessons/start/", teacher.start, name="start"),
    path("lessons/<uuid:lesson_id>/", board.board, name="board"),
    path("lessons/<uuid:lesson_id>/rows/", board.rows, name="rows"),
    path("lessons/<uuid:lesson_id>/people/", adding.people, name="people"),
    path("lessons/<uuid:lesson_id>/add/", adding.add, name="add"),
    path("lessons/<uuid:lesson_id>/mark/", marking.mark, name="mark"),
    path("lessons/<uuid:lesson_id>/everyone/", several.everyone_else, name="everyone-else"),
    path("lessons/<uuid:lesson_id>/ticked/", several.ticked, name="ticked"),
    path("lessons/<uuid:lesson_id>/undo/", several.undo, name="undo-several"),
    path("lessons/<uuid:lesson_id>/roll/", roll.roll, name="roll"),
    path("lessons/<uuid:lesson_id>/print/", roll.on_paper, name="print"),
    path("lessons/<uuid:lesson_id>/finish/", board.finish, name="finish"),
    path("lessons/<uuid:lesson_id>/extend/", board.extend, name="extend"),
    path("lessons/<uuid:lesson_id>/not-held/", board.say_not_held, name="not-held"),
    path("lessons/<uuid:lesson_id>/held/", board.say_held, name="held"),
    path("lessons/<uuid:lesson_id>/close/", board.close, name="close-roster"),
    path("lessons/<uuid:lesson_id>/screen/", screen.screen, name="screen"),
    path("lessons/<uuid:lesson_id>/screen/code/", screen.code, name="screen-code"),
    path("lessons/<uuid:lesson_id>/records/<str:school_number>/", record.record, name="record"),
]

_sections = [
    path("sections/<int:section_id>/import/", roster_import.choose, name="roster-import"),
    path(
        "sections/<int:section_id>/import/preview/",
        roster_import.preview,
        name="roster-import-preview",
    ),
    path(
        "sections/<int:section_id>/import/plan.<str:kind>",
        roster_import.plan,
        name="roster-import-plan",
    ),
]

_people = [
    path("setup/<str:token>/", setup.setup, name="setup"),
    path("first-steps/", setup.first_steps, name="first-steps"),
    path("people/import/", people.from_file, name="people-import"),
    path("people/add/", people.add, name="people-add"),
    path("people/invite/", invitations.people, name="invite"),
    path("people/invite/slips/", invitations.slips, name="invite-slips"),
    path("people/invite/mail/", invitations.by_mail, name="invite-mail"),
    path("j/", passwords.type_link, name="type-link"),
    path("j/<str:code>/", passwords.join, name="join"),
    # Upper case, as in the QR code of a slip.
    re_path(r"^J/(?P<code>[0-9A-Z]{1,32})/?$", passwords.join, name="join-scanned"),
]

_courses = [
    path("courses/", courses.courses, name="courses"),
    path("courses/new/", new_course.new_course, name="new-course"),
    path("courses/<int:section_id>/", course.roster, name="course"),
    path("courses/<int:section_id>/lessons/", course.lessons, name="course-lessons"),
    path("courses/<int:section_id>/lessons.ics", course.calendar, name="course-calendar"),
    path("courses/<int:section_id>/rules/", course_rules.rules, name="course-rules"),
]

_student = [
    path("me/", student.my_attendance, name="my-attendance"),
    path("me/attendance.ics", student.calendar, name="calendar"),
    path("c/", check_in.type_code, name="type-code"),
    # Upper case, as in the QR code: with fewer characters its dots are larger.
    re_path(
        r"^(?:c|C)/(?P<short>[A-Za-z0-9]{4})/(?P<code>[0-9A-Fa-f]{20})/?$",
        check_in.link,
        name="scanned",
    ),
    path("lessons/<uuid:lesson_id>/here/", check_in.here, name="check-in"),
    path("lessons/<uuid:lesson_id>/mine/", check_in.my_mark, name="my-mark"),
    path("lessons/<uuid:lesson_id>/switch/", check_in.switch, name="switch"),
]

_absences = [
    path("absences/", absences.absences, name="absences"),
    path("absences/approve/", absences.approve, name="approve-absences"),
    path("absences/<int:absence_id>/refuse/", absences.refuse, name="refuse-absence"),
    path("absences/<int:absence_id>/take-back/", absences.take_back, name="take-back-absence"),
    path(
        "absences/<int:absence_id>/evidence/<int:evidence_id>/", absences.evidence, name="evidence"
    ),
    path("me/absences/", my_absences.my_absences, name="my-absences"),
    path("me/absences/ask/", my_absences.ask, name="ask-absence"),
    path("me/absences/<int:absence_id>/file/", my_absences.add_file, name="add-file"),
    path("me/absences/<int:absence_id>/withdraw/", my_absences.withdraw, name="withdraw-absence"),
]

# Of allauth's pages only those that ATTN wants, under the names that allauth itself uses.
_accounts = [
    path("", account.account, name="account"),
    path("notices/seen/", account.seen, name="notices-seen"),
    path("everywhere/", account.everywhere, name="sign-out-everywhere"),
    path("sessions/", signed_in.signed_in_places, name="signed-in"),
    path("sessions/<str:session_id>/end/", signed_in.end_one_session, name="end-session"),
    path("tokens/<str:token_id>/end/", signed_in.end_one_token, name="end-token"),
    path("unsent/", account.drop_unsent, name="drop-unsent"),
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", allauth_views.password_change, name="account_change_password"),
    path("password/reset/", passwords.forgotten, name="account_reset_password"),
    path("password/reset/done/", passwords.asked, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        RedirectView.as_view(pattern_name="account_login"),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,100})/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("2fa/recovery-codes/", recovery_codes.view, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/download/", recovery_codes.download, name="mfa_download_recovery_codes"
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("oidc/<str:provider_id>/login/", campus.login, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", campus.callback, name="openid_connect_callback"),
    path("signup/", nothing_here, name="account_signup"),
    path("connections/", nothing_here, name="socialaccount_connections"),
    path("social/signup/", nothing_here, name="socialaccount_signup"),
    path("email/", nothing_here, name="account_email"),
    path("password/set/", nothing_here, name="account_set_password"),
]

# Before Django's admin, which takes every address below its own.
_operations = [
    path("", operations.operations, name="operations"),
    path("figures/", operations.figures, name="operations-figures"),
    path("persist/", operations.persist, name="operations-persist"),
]

_installed = [
    path("manifest.webmanifest", installed.manifest, name="manifest"),
    # A service worker is of the folder that it is in, and of what is below.
    path("sw.js", installed.service_worker, name="service-worker"),
    path("offline/", installed.offline, name="offline"),
]

urlpatterns = [
    path("", home.home, name="home"),
    *_installed,
    *_teacher,
    *_courses,
    *_sections,
    *_people,
    *_student,
    *_absences,
    path("accounts/", include(_accounts)),
    path("admin/operations/", include(_operations)),
]
