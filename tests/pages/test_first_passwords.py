"""First passwords: slips and mails of a class, a link that is good once, only for who has none."""

import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from attn_project.logs import Lines
from courses.vocabulary import EnrolmentRole
from jobs import draining
from jobs.models import Job
from tests.pages.visitors import STAFF, enter, signed_in, text_of
from tests.support.callers import PASSWORD, account
from tests.support.lessons import TEACHER, student
from tests.support.members import enrolled, running_section
from tests.support.smtp_server import MailServer, mail_server
from users.models import PasswordLink, SecurityEvent, SecurityKind, User
from users.services import inviting
from users.services.clearing import clear_expired

pytestmark = pytest.mark.django_db(transaction=True)

INVITE, SLIPS, MAIL = "/people/invite/", "/people/invite/slips/", "/people/invite/mail/"
OWN = "lantern over the river"
NEW, OTHER = student(1), student(2)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as found:
        yield found


def codes_of(page: Any) -> list[str]:
    return ["".join(slip["groups"]) for slip in page.context["slips"]]


def slip_of(*people: User) -> list[str]:
    page = signed_in(STAFF).post(SLIPS, {"person": [each.pk for each in people]})
    assert page.status_code == 200
    return codes_of(page)


def choose(
    code: str, *, password: str = OWN, again: str = OWN, client: Client | None = None
) -> Any:
    fields = {"password": password, "again": again}
    return (client or Client()).post(f"/j/{code}/", fields, follow=True)


def test_a_class_gets_slips_and_a_student_comes_in_with_one() -> None:
    section = running_section(title="Physics")
    for person in (NEW, OTHER):
        enrolled(section, person, EnrolmentRole.STUDENT)
    account(OTHER, password=PASSWORD)
    account(student(3))
    staff = signed_in(STAFF)
    page = staff.get(f"{INVITE}?section={section.pk}")
    assert [each.user.school_number for each in page.context["people"]] == ["S-0001"]
    assert not PasswordLink.objects.exists()
    assert "Invite by mail" not in text_of(page)

    user = account(NEW)
    printed = staff.post(SLIPS, {"person": [user.pk], "section": section.pk})
    (code,) = codes_of(printed)
    assert "no-store" in printed["Cache-Control"]
    assert code not in str(PasswordLink.objects.values_list())

    phone = Client()
    typed = f" {code[:4].lower()} {code[4:8]}-{code[8:]}"
    opened = phone.post("/j/", {"code": typed}, follow=True)
    assert "S-0001" in text_of(opened)
    assert phone.head(f"/J/{code}").status_code == 200
    assert "different passwords" in text_of(choose(code, again="something else here"))
    assert "too common" in text_of(choose(code, password="password1")).lower()
    assert not User.objects.get(pk=user.pk).has_usable_password()

    assert "Your password is set" in text_of(choose(code, client=phone))
    assert choose(code, password="another one at once").status_code == 404
    assert enter(phone, "s-0001", OWN).status_code == 302
    kinds = SecurityEvent.objects.filter(subject=user).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["link_made", "password_changed", "link_used", "signed_in"]
    assert SecurityEvent.objects.get(kind=SecurityKind.LINK_MADE).actor == account(STAFF)


def test_of_two_who_use_a_link_at_once_one_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    user = account(NEW)
    (code,) = slip_of(user)
    both, find = threading.Barrier(2), inviting.find_invited

    def find_together(typed: str) -> User | None:
        found = find(typed)
        both.wait(20)
        return found

    monkeypatch.setattr(inviting, "find_invited", find_together)

    def use(password: str) -> str:
        try:
            return password if inviting.use_link(code, password) else ""
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as phones:
        (chosen,) = filter(None, phones.map(use, [OWN, f"{OWN} too"]))
    assert User.objects.get(pk=user.pk).check_password(chosen)


def test_a_newer_link_an_old_one_and_a_password_end_a_link() -> None:
    user = account(NEW)
    (first,) = slip_of(user)
    (second,) = slip_of(user)
    assert Client().get(f"/j/{first}/").status_code == 404
    assert Client().get(f"/j/{second}/").status_code == 200

    PasswordLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(f"/j/{second}/").status_code == 404
    clear_expired()
    assert not PasswordLink.objects.exists()

    (third,) = slip_of(user)
    account(NEW, password=PASSWORD)
    assert choose(third).status_code == 404
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_active": False},
        {"is_superuser": True},
        {"last_login": timezone.now()},
        {"password": "pbkdf2_sha256$1$a$b"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nobody_else_is_given_a_link(changes: dict[str, Any], server: MailServer) -> None:
    user = account(NEW)
    User.objects.filter(pk=user.pk).update(email="a@school.example", **changes)
    staff = signed_in(STAFF)

    assert user not in [each.user for each in staff.get(INVITE).context["people"]]
    for address in (SLIPS, MAIL):
        answer = staff.post(address, {"person": [user.pk, "x", "9" * 40]})
        assert answer.status_code == 302
    assert not PasswordLink.objects.exists()
    assert not Job.objects.exists()


def test_only_staff_make_links_and_only_by_a_post() -> None:
    user = account(NEW)
    for person, status in ((TEACHER, 403), (NEW, 403)):
        visitor = signed_in(person)
        assert visitor.get(INVITE).status_code == status
        for address in (SLIPS, MAIL):
            assert visitor.post(address, {"person": [user.pk]}).status_code == status
    assert Client().post(SLIPS, {"person": [user.pk]}).status_code == 302
    assert signed_in(STAFF).get(SLIPS)["Location"] == INVITE
    assert not PasswordLink.objects.exists()


def test_a_mail_for_each_who_has_an_address_once(server: MailServer) -> None:
    user, without = account(NEW), account(OTHER)
    User.objects.filter(pk=user.pk).update(email="ayse@school.example")
    staff = signed_in(STAFF)
    sent = {"person": [user.pk, without.pk], "request_id": "one-click"}

    said = text_of(staff.post(MAIL, sent, follow=True))
    staff.post(MAIL, sent)
    assert "1 mail is on its way." in said
    assert "1 person has no e-mail address here" in said
    assert "ayse" not in str(Job.objects.values_list())
    draining.drain()

    (letter,) = server.letters
    text = letter.get_body(("plain",))
    assert text is not None
    assert (letter["To"], letter["Subject"]) == (
        "ayse@school.example",
        "Choose your password for ATTN",
    )
    found = re.search(r"https://attn\.example\.org(/j/\w{12}/)", text.get_content())
    assert found
    assert "Your number is S-0001." in text.get_content()
    assert choose(found[1][3:-1]).status_code == 200
    assert User.objects.get(pk=user.pk).check_password(OWN)

    # Whoever has a password when the mail would leave is sent none.
    staff.post(MAIL, sent | {"request_id": "another"})
    draining.drain()
    assert len(server.letters) == 1


def test_the_page_of_a_link_signs_a_shared_phone_out_and_no_log_has_the_code() -> None:
    (code,) = slip_of(account(NEW))
    phone = signed_in(OTHER)
    assert "S-0001" in text_of(phone.get(f"/j/{code}/"))
    choose(code, client=phone)
    assert "_auth_user_id" not in phone.session

    record = logging.LogRecord("x", 20, "", 1, "Not Found: /J/%s", (code,), None)
    assert code not in Lines("%(message)s").format(record)


def test_wrong_codes_are_counted_for_an_address_and_none_is_read_as_another() -> None:
    (code,) = slip_of(account(NEW))
    wrong = "0" * 12
    answers = {Client().get(f"/j/{wrong}/").status_code for _ in range(120)}
    assert answers == {404}
    assert Client().get(f"/j/{wrong}/").status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").get(f"/j/{code}/").status_code == 200
    assert inviting.clean_code("oil0-1234 abcd") == "01101234ABCD"
    assert [inviting.clean_code(each) for each in ("", "a" * 11, "a" * 13, "u" * 12)] == [""] * 4
