"""The security log: what is written, how often, what is kept out of it, and when it goes."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance import scheduler
from attendance.checks import check_security_log
from attendance.live.payloads import LiveLesson
from attendance.services.check_in import check_in
from attendance.services.devices import COOKIE
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import PASSWORD, Api, account, signed_in
from tests.support.lessons import TEACHER, student
from tests.support.second_factors import enrolled, enter_with, set_up
from users import security_log
from users.identity import Person, Role
from users.models import SecurityEvent, SecurityKind, User
from users.security_log import Details

pytestmark = pytest.mark.django_db(transaction=True)

ONE = student(1)
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
SECRET = "my password in the wrong field"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def started_lesson() -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)


def enter(client: Client, number: str, password: str) -> Any:
    return client.post("/accounts/login/", {"login": number, "password": password})


def kinds(subject: User | None = None) -> list[str]:
    rows = SecurityEvent.objects.order_by("id")
    return list((rows.filter(subject=subject) if subject else rows).values_list("kind", flat=True))


def only(kind: SecurityKind) -> SecurityEvent:
    return SecurityEvent.objects.get(kind=kind)


def token(number: str, password: str = PASSWORD, **more: str) -> Any:
    given = {"school_number": number, "password": password, **more}
    return Api().post("auth/tokens/", given)


def test_a_sign_in_on_a_page_says_who_where_and_by_which_request() -> None:
    user, browser = account(ONE, password=PASSWORD), Client(REMOTE_ADDR="192.0.2.77")
    browser.get("/accounts/login/")

    answer = enter(browser, "s-0001", PASSWORD)

    event = only(SecurityKind.SIGNED_IN)
    assert (event.subject, event.actor, event.details) == (user, user, {"door": "page"})
    assert event.address == "192.0.2.0/24"
    assert event.request_id == answer.headers["X-Request-ID"]
    assert len(event.device) == 12
    assert event.device not in browser.cookies[COOKIE].value


def test_failures_are_counted_in_one_row_and_then_held_up() -> None:
    user, browser = account(ONE, password=PASSWORD), Client(REMOTE_ADDR="2001:db8:1:2::3")
    for _ in range(13):
        enter(browser, "S-0001", "wrong")

    failed, locked = only(SecurityKind.SIGN_IN_FAILED), only(SecurityKind.SIGN_IN_LOCKED)
    assert (failed.subject, failed.actor, failed.times) == (user, None, 10)
    assert failed.happened_at < failed.last_at
    assert failed.details == {"door": "page", "code": "invalid_credentials"}
    assert (locked.subject, locked.times, locked.address) == (user, 1, "2001:db8:1::/48")


def test_what_was_typed_is_not_kept_where_nobody_has_that_number() -> None:
    account(ONE, password=PASSWORD)
    for number in (SECRET, SECRET, "NOBODY-1"):
        enter(Client(), number, "wrong")

    first, second = SecurityEvent.objects.order_by("id")
    assert (first.subject, first.times, second.times) == (None, 2, 1)
    assert first.typed
    assert first.typed != second.typed
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, ' ') FROM users_securityevent AS e")
        (text,) = cursor.fetchone()
    assert "password in" not in text.lower()
    assert "NOBODY" not in text


def test_tokens_are_made_ended_and_all_ended() -> None:
    user = account(ONE, password=PASSWORD)
    first = token("S-0001").json()["token"]
    own = Api(Authorization=f"Token {first}")
    own.delete("auth/tokens/current/")
    second = token("S-0001").json()["token"]
    Api(Authorization=f"Token {second}").delete("auth/tokens/")

    made = SecurityEvent.objects.get(kind=SecurityKind.TOKEN_MADE)
    assert (made.times, made.actor) == (2, user)
    assert only(SecurityKind.SIGNED_IN).details == {"door": "api"}
    assert only(SecurityKind.TOKEN_ENDED).actor == user
    assert only(SecurityKind.SIGNED_OUT_EVERYWHERE).subject == user


def test_signing_out_everywhere_on_the_page() -> None:
    user = account(ONE)
    signed_in(ONE).post("/accounts/everywhere/")
    assert only(SecurityKind.SIGNED_OUT_EVERYWHERE).actor == user


def test_a_second_factor_is_followed_from_its_beginning_to_its_end() -> None:
    user, browser = account(ONE, password=PASSWORD), Client()
    enter(browser, "S-0001", PASSWORD)
    set_up(browser)
    browser.get("/accounts/2fa/recovery-codes/")
    browser.get("/accounts/2fa/recovery-codes/download/")
    browser.post("/accounts/2fa/totp/deactivate/")

    assert kinds(user) == [
        "signed_in",
        "factor_added",
        "recovery_codes_made",
        "recovery_codes_seen",
        "factor_removed",
    ]


def test_codes_at_every_door() -> None:
    app = enrolled(ONE)
    user = User.objects.get(school_number=ONE.school_number)
    before = len(kinds(user))
    enter_with(app, ONE)
    token("S-0001")
    token("S-0001", code=app.wrong_code)

    assert kinds(user)[before:] == [
        "factor_shown",
        "signed_in",
        "sign_in_failed",
        "factor_wrong_code",
    ]
    assert only(SecurityKind.SIGN_IN_FAILED).details["code"] == "second_factor_missing"


def test_wrong_codes_are_held_up_once() -> None:
    app = enrolled(ONE)
    for _ in range(12):
        token("S-0001", code=app.wrong_code)
    assert only(SecurityKind.FACTOR_WRONG_CODE).times == 10
    assert only(SecurityKind.SIGN_IN_LOCKED).details == {"what": "second_factor"}


def change(person: User, **changes: Any) -> dict[str, Any]:
    given = {"school_number": person.school_number, "full_name": person.full_name}
    return {**given, "role": person.role, "email": "", "is_active": "on", **changes}


def test_what_staff_do_with_an_account_is_written_down() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    person, browser = account(ONE), Client()
    browser.force_login(boss, "users.backends.AccountBackend")
    page = f"/admin/users/user/{person.pk}/"
    group = Group.objects.create(name="g")
    new = "another password of theirs"
    browser.post(f"{page}change/", change(person, role="teacher", groups=[group.pk]))
    browser.post(f"{page}change/", change(person, role="teacher", is_active=""))
    given = {"password1": new, "password2": new, "usable_password": "true"}
    browser.post(f"{page}password/", given)

    rows = SecurityEvent.objects.filter(subject=person).order_by("id")
    assert [(row.kind, row.actor, row.details) for row in rows] == [
        ("account_changed", boss, {"fields": ["role"], "role": "teacher"}),
        ("account_changed", boss, {"fields": ["group"]}),
        ("account_changed", boss, {"fields": ["is_active"]}),
        ("password_set", boss, {}),
    ]
    made = SecurityEvent.objects.get(kind=SecurityKind.ACCOUNT_MADE)
    assert (made.subject, made.actor, made.details) == (boss, None, {"role": "staff"})


def test_a_password_changed_on_the_own_page_and_by_a_command() -> None:
    user, browser, new = account(ONE, password=PASSWORD), Client(), "another password of theirs"
    enter(browser, "S-0001", PASSWORD)
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    browser.post("/accounts/password/change/", fields)
    user.refresh_from_db()
    user.set_unusable_password()
    user.save()

    assert kinds(user)[-2:] == ["password_changed", "password_set"]


def test_a_hash_that_is_made_anew_is_no_change() -> None:
    user = account(ONE, password=PASSWORD)
    User.objects.filter(pk=user.pk).update(password=user.password.replace("$", "$", 1))
    user.refresh_from_db()
    user.password = "pbkdf2_sha1$1$salt$x"
    user.save(update_fields=["password"])
    assert kinds(user) == []


def test_an_import_says_whose_role_and_password_it_sets(tmp_path: Any) -> None:
    account(ONE)
    file = tmp_path / "people.csv"
    file.write_text(
        "school_number,full_name,role,email,password\n"
        "S-0001,Student 0001,teacher,,a first password of theirs\n"
        "T-9,Teacher 9,teacher,,\nS-2,Student 2,student,,\n"
    )
    call_command("import_users", str(file), stdout=StringIO())

    rows = SecurityEvent.objects.order_by("id").values_list("kind", "subject__school_number")
    assert list(rows) == [
        ("account_made", "T-9"),
        ("password_set", "S-0001"),
        ("account_changed", "S-0001"),
    ]


def test_whoever_is_erased_leaves_events_without_a_person() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    user, browser = account(ONE, password=PASSWORD), Client()
    enter(Client(), "S-0001", PASSWORD)
    enter(Client(), "S-0001", "wrong")
    browser.force_login(boss, "users.backends.AccountBackend")
    answer = browser.post(f"/admin/users/user/{user.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert {"signed_in", "sign_in_failed", "account_erased"} <= set(kinds())
    assert only(SecurityKind.SIGNED_IN).subject is None
    assert only(SecurityKind.SIGNED_IN).actor is None
    assert only(SecurityKind.ACCOUNT_ERASED).actor == boss


def event(*, days: int = 0, **values: Any) -> SecurityEvent:
    at = timezone.now() - timedelta(days=days)
    once = f"{SecurityEvent.objects.count()}"
    made: dict[str, Any] = {"kind": SecurityKind.SIGNED_IN, "once": once, **values}
    return SecurityEvent.objects.create(happened_at=at, last_at=at, request_id="-", **made)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users_securityevent SET kind = 'exported'",
        "UPDATE users_securityevent SET times = 1",
        "UPDATE users_securityevent SET times = 5, address = 'x'",
        "UPDATE users_securityevent SET last_at = last_at - interval '1 day', times = 5",
        "UPDATE users_securityevent SET subject_id = NULL",
        "UPDATE users_securityevent SET actor_id = NULL",
        "DELETE FROM users_securityevent",
        "SELECT set_config('attn.removes_old_security_events', 'yes', true);"
        "DELETE FROM users_securityevent WHERE happened_at > now() - interval '1 day'",
    ],
)
def test_the_log_is_append_only(statement: str) -> None:
    user = account(ONE)
    event(subject=user, actor=user, times=3)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_old_events_go_in_parts_and_young_ones_stay(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(security_log, "ROWS", 2)
    settings.SECURITY_LOG_DAYS = 30
    for days in (31, 40, 50, 60, 70, 29, 0):
        event(days=days)
    now = timezone.now()

    assert security_log.remove_old(now=now, dry_run=True) == 5
    assert security_log.remove_old(now=now, most=2) == 2
    out = StringIO()
    call_command("remove_old_security_events", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"events": 3, "is_dry_run": False}
    assert SecurityEvent.objects.count() == 2


def test_the_scheduled_run_removes_what_is_old() -> None:
    event(days=181)
    event(days=179)
    scheduler._tick()
    assert SecurityEvent.objects.count() == 1


def test_the_command_ends_with_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> int:
        raise OperationalError("away")

    place = "users.management.commands.remove_old_security_events.remove_old"
    monkeypatch.setattr(place, away)
    with pytest.raises(CommandError, match="away") as caught:
        call_command("remove_old_security_events")
    assert caught.value.returncode == 75


@pytest.mark.parametrize(("days", "is_refused"), [(6, True), (7, False), (3651, True)])
def test_the_days_have_a_range(days: int, is_refused: bool, settings: Any) -> None:
    settings.SECURITY_LOG_DAYS = days
    assert bool(check_security_log(None)) is is_refused


def test_what_cannot_be_written_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account(ONE, password=PASSWORD)
    monkeypatch.setattr(security_log, "_INSERT", "INSERT INTO nowhere VALUES (1) ON CONFLICT DO ")
    assert enter(Client(), "S-0001", PASSWORD).status_code == 302
    with transaction.atomic():
        security_log.write(SecurityKind.EXPORTED, details=Details(what="x"))
        # The transaction of somebody else goes on.
        assert User.objects.count() == 1
    assert "The security log could not be written: signed_in" in caplog.text
    assert not SecurityEvent.objects.exists()


def test_a_check_in_writes_nothing() -> None:
    lesson, browser = started_lesson(), signed_in(ONE)
    path = f"/lessons/{lesson.id}/here/"
    browser.get(path)
    with CaptureQueriesContext(connection) as queries:
        check_in(lesson.id, student=ONE)
        browser.post(path)
    assert not [each for each in queries if "securityevent" in each["sql"]]


def reads() -> list[tuple[str, str, int | None]]:
    rows = SecurityEvent.objects.filter(kind=SecurityKind.RECORDS_READ).order_by("id")
    return [(row.details["what"], row.details.get("lesson", ""), row.subject_id) for row in rows]


def test_staff_who_read_records_of_others_are_written_down_once_an_hour() -> None:
    lesson, desk = started_lesson(), signed_in(STAFF)
    user = account(ONE)
    check_in(lesson.id, student=ONE)
    for _ in range(2):
        desk.get(f"/lessons/{lesson.id}/")
        desk.get(f"/lessons/{lesson.id}/rows/")
        desk.get(f"/lessons/{lesson.id}/records/S-0001/")
        desk.get("/absences/")
        Api(STAFF).get(f"lessons/{lesson.id}/records/")
        cache.clear()

    place = str(lesson.id)
    assert reads() == [
        ("register", place, None),
        ("record", place, user.pk),
        ("absences", "", None),
    ]
    row = SecurityEvent.objects.filter(kind=SecurityKind.RECORDS_READ).earliest("id")
    assert (row.actor.school_number, row.times) == ("STAFF-1", 1)


def test_the_api_is_a_door_to_registers_too() -> None:
    lesson = started_lesson()
    Api(STAFF).get(f"lessons/{lesson.id}/events/")
    Api(STAFF).get("absences/")
    assert [what for what, *_ in reads()] == ["register", "absences"]


def test_whoever_runs_a_lesson_reads_nothing_of_others() -> None:
    lesson = started_lesson()
    signed_in(TEACHER).get(f"/lessons/{lesson.id}/")
    Api(TEACHER).get(f"lessons/{lesson.id}/records/")
    User.objects.filter(school_number=TEACHER.school_number).update(role="staff")
    cache.clear()
    signed_in(TEACHER).get(f"/lessons/{lesson.id}/")
    assert reads() == []


def test_files_that_are_taken_out_are_written_down() -> None:
    user = account(ONE)
    signed_in(ONE).get("/me/attendance.ics")
    row = only(SecurityKind.EXPORTED)
    assert (row.subject, row.actor, row.details) == (user, user, {"what": "calendar"})
