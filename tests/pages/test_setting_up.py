"""A new site: from an empty database to the first check-in in six steps, and who may set it up."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from attendance.selectors import beginnings
from attendance.web.pages.people import MOST_PASSWORDS
from attn_project.logs import Lines
from courses.models import Enrolment, Section, Term
from launcher.commands import link_arguments
from tests.pages.visitors import STAFF, STUDENT, enter, signed_in, text_of
from tests.support.callers import Api, account
from tests.support.course_factories import SectionFactory
from tests.support.factories import AttendanceFactory, LessonLedgerFactory, UserFactory
from tests.support.lessons import TEACHER
from users.demo_numbers import DEMO_STAFF_NUMBER, DEMO_SYSTEM, DEMO_TEACHER_NUMBER
from users.identity import Person, Role
from users.models import User
from users.services import first_staff

pytestmark = pytest.mark.django_db

FIRST = {"school_number": "Boss-1", "full_name": "Ayşe Yılmaz", "password": "a long password"}
OWN = "a tram and two pears"
PEOPLE = (
    "school_number,full_name,role,password\n"
    "T-1,Teacher 1,teacher,a first password\n"
    "S-1,Student 1,,another password\n"
    "S-2,Student 2,,\n"
    "not a number,Nobody,,\n"
)


def link(capsys: pytest.CaptureFixture[str]) -> str:
    call_command(*link_arguments("127.0.0.1", 8000))
    found = re.search(r"/setup/[^/\s]+/", capsys.readouterr().out)
    assert found
    return found[0]


def test_six_steps_lead_from_nothing_to_the_first_check_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk, phone = Client(), Client()

    # 1 the command that serves has printed the link; 2 the first account.
    made = desk.post(link(capsys), FIRST, follow=True)
    assert made.redirect_chain == [("/first-steps/", 302)]
    assert "Ayşe Yılmaz" in text_of(made)

    # 3 people.
    file = SimpleUploadedFile("people.csv", PEOPLE.encode())
    shown = desk.post("/people/import/", {"file": file})
    assert shown.status_code == 200
    assert "not a number" not in {user.school_number for user in User.objects.all()}
    assert User.objects.count() == 1
    applied = desk.post("/people/import/", {"text": shown.context["text"]}, follow=True)
    assert "3 accounts are new." in text_of(applied)

    # 4 a course.
    asked = desk.get("/courses/new/").context["form"].initial
    sent = {**asked, "title": "Physics", "teacher": "t-1", "everybody": "on"}
    page = desk.post("/courses/new/", sent, follow=True)
    section = Section.objects.get()
    assert page.redirect_chain == [(f"/courses/{section.pk}/", 302)]
    assert Enrolment.objects.count() == 3

    # 5 a lesson, 6 a check-in.
    start = desk.get("/lessons/").context["form"]
    lesson = {"section": f"#{section.pk}", "request_id": start["request_id"].value()}
    board = desk.post("/lessons/start/", lesson, follow=True)
    assert "Physics" in text_of(board)
    screen = desk.get(f"{board.redirect_chain[-1][0]}screen/").context
    # Who was given a password has one of their own first.
    enter(phone, "S-1", "another password")
    chosen = {"oldpassword": "another password", **dict.fromkeys(("password1", "password2"), OWN)}
    phone.post("/accounts/password/change/", chosen)
    code = screen["short_code"] + "".join(screen["typed"])
    assert "Physics" in text_of(phone.post("/c/", {"code": code}, follow=True))
    assert beginnings.look()[:3] == (True, True, True)


def test_the_link_opens_once_and_for_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    old, path = link(capsys), link(capsys)
    first, second = Client(), Client()
    assert first.get(old).status_code == 404
    assert first.get("/setup/guessed/").status_code == 404
    assert first.get(path).status_code == second.get(path).status_code == 200
    assert first.get(path)["Cache-Control"].startswith("max-age=0")

    weak = first.post(path, {**FIRST, "password": "12345678"})
    assert weak.status_code == 400
    bad = first.post(path, {**FIRST, "school_number": "no number"})
    assert bad.status_code == 400
    assert not User.objects.exists()

    assert first.post(path, FIRST).status_code == 302
    assert second.get(path).status_code == second.post(path, FIRST).status_code == 404
    boss = User.objects.get()
    assert (boss.school_number, boss.role, boss.is_superuser) == ("BOSS-1", "staff", True)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_the_form_at_once_one_makes_an_account() -> None:
    path = f"/setup/{first_staff.new_token()}/"

    def send(number: str) -> int:
        try:
            return Client().post(path, {**FIRST, "school_number": number}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, ("A-1", "A-2")))
    assert sorted(answers) == [302, 404]
    assert User.objects.count() == 1


def test_the_first_account_sets_its_second_factor_up_where_one_is_asked(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.STAFF_MFA = True
    desk = Client()
    made = desk.post(link(capsys), FIRST, follow=True)
    assert [address.partition("?")[0] for address, _ in made.redirect_chain] == [
        "/first-steps/",
        "/accounts/2fa/totp/activate/",
        "/accounts/reauthenticate/",
    ]
    shown = desk.post(made.redirect_chain[-1][0], {"password": FIRST["password"]}, follow=True)
    assert shown.redirect_chain == [("/accounts/2fa/totp/activate/", 302)]
    assert shown.status_code == 200


def test_a_form_that_is_refused_puts_no_token_into_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = link(capsys)
    assert Client().post(path, {**FIRST, "full_name": ""}).status_code == 400
    (record,) = (each for each in caplog.records if each.name == "django.request")
    assert path in record.getMessage()
    assert Lines().format(record).endswith("Bad Request: /setup/.../")


def test_where_somebody_is_staff_no_link_is_made_and_none_opens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    User.objects.create_user("DEMO-STAFF", "Of a demo", role="staff")
    path = link(capsys)
    account(STAFF)

    assert Client().get(path).status_code == 404
    call_command("setup_link", "--if-needed")
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError, match="staff"):
        call_command("setup_link")


def test_a_link_ends_by_itself_and_its_token_is_kept_nowhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = first_staff.new_token()
    assert token not in str(cache.get("first-staff"))
    monkeypatch.setattr(first_staff, "LINK_SECONDS", 0)
    assert Client().get(link(capsys)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/first-steps/", "/people/import/", "/people/add/", "/courses/new/"]
)
def test_only_staff_set_a_site_up(path: str) -> None:
    assert signed_in(STAFF).get(path).status_code == 200
    for person in (TEACHER, STUDENT):
        assert signed_in(person).get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_staff_see_what_comes_next_until_a_lesson_is_saved() -> None:
    desk = signed_in(STAFF)
    assert desk.get("/")["Location"] == "/first-steps/"
    steps = desk.get("/first-steps/").context["steps"]
    assert [step["is_next"] for step in steps] == [True, False, False, False]
    assert signed_in(TEACHER).get("/")["Location"] == "/lessons/"

    AttendanceFactory.create()
    assert desk.get("/")["Location"] == "/lessons/"


def test_what_a_demo_has_left_is_no_beginning() -> None:
    teacher = UserFactory.create(school_number=DEMO_TEACHER_NUMBER, teacher=True)
    UserFactory.create(school_number="D0123ABCD-0001")
    SectionFactory.create(system__code=DEMO_SYSTEM)
    AttendanceFactory.create(teacher=teacher)
    LessonLedgerFactory.create(teacher_number=DEMO_TEACHER_NUMBER)
    steps = signed_in(STAFF).get("/first-steps/").context["steps"]
    assert not any(step["is_done"] for step in steps)
    # Whoever tries the demo has nothing to set up.
    boss = Person(DEMO_STAFF_NUMBER, "Somebody", Role.STAFF)
    assert signed_in(boss).get("/")["Location"] == "/lessons/"

    LessonLedgerFactory.create(teacher_number="T-1")
    UserFactory.create(school_number="D-1")
    SectionFactory.create()
    steps = signed_in(STAFF).get("/first-steps/").context["steps"]
    assert [step["is_done"] for step in steps] == [True, True, True, False]


def test_one_person_is_typed_and_a_number_is_taken_once() -> None:
    desk = signed_in(STAFF)
    person = {"school_number": "s-9", "full_name": "Student 9", "role": "student", "password": ""}
    assert desk.post("/people/add/", person).status_code == 302
    assert not User.objects.get(school_number="S-9").has_usable_password()
    again = desk.post("/people/add/", person)
    assert again.status_code == 400
    assert "Somebody has this number" in text_of(again)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nA\n", "The first line must name the columns"),
        (
            "school_number,full_name,password\n"
            + "".join(f"S-{i},Student {i},a long password\n" for i in range(101)),
            "100 passwords",
        ),
    ],
)
def test_a_file_that_the_page_cannot_take_is_said(text: str, said: str) -> None:
    desk = signed_in(STAFF)
    page = desk.post("/people/import/", {"file": SimpleUploadedFile("p.csv", text.encode())})
    assert page.status_code == 400
    assert said in text_of(page)


def test_a_course_without_a_good_teacher_or_days_is_not_made() -> None:
    desk = signed_in(STAFF)
    sent = {**desk.get("/courses/new/").context["form"].initial, "title": "Physics"}
    assert desk.post("/courses/new/", {**sent, "teacher": "T-404"}).status_code == 404
    assert desk.post("/courses/new/", {**sent, "last_on": "2001-01-01"}).status_code == 400
    assert desk.post("/courses/new/", {**sent, "time_zone": "Mars"}).status_code == 400
    assert not Section.objects.exists()
    assert not Term.objects.exists()

    for title in ("Physics", "Chemistry"):
        assert desk.post("/courses/new/", {**sent, "title": title}).status_code == 302
    assert Term.objects.count() == 1


def test_codes_carry_the_address_that_is_set(settings: Settings) -> None:
    settings.PUBLIC_URL = "http://192.168.1.5:8000"
    desk = signed_in(TEACHER)
    form = desk.get("/lessons/").context["form"]
    start = {"lesson_name": "Physics", "minutes": 45, "checks": ["code"]}
    page = desk.post("/lessons/start/", {**start, "request_id": form["request_id"].value()})
    screen = desk.get(f"{page['Location']}screen/")
    assert screen.context["where"] == "192.168.1.5:8000/c"
    shown = Api(TEACHER).get(f"{page['Location'][1:]}code/").json()
    assert shown["url"].startswith("HTTP://192.168.1.5:8000/C/")


def test_what_is_applied_has_no_more_passwords_than_what_may_be_shown() -> None:
    rows = "".join(f"S-{n},Student {n},an initial password\n" for n in range(MOST_PASSWORDS + 1))
    desk = signed_in(STAFF)
    told = desk.post(
        "/people/import/", {"text": f"school_number,full_name,password\n{rows}"}, follow=True
    )
    assert "Split it" in text_of(told)
    assert not User.objects.filter(school_number="S-1").exists()
