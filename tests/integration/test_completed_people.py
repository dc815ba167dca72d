"""Somebody who was added by number is completed by a later import; what was written stays."""

import contextlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.vocabulary import Verdict
from tests.support.callers import Api, account
from tests.support.lessons import TEACHER, live_lesson
from tests.support.people import merge, unmerge
from users.identity import Person
from users.models import User
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = "school_number,full_name,role,email,password\n"
PASSWORD = "sturdy-Horse-77"


@pytest.fixture
def added() -> UUID:
    """A stored lesson to which the teacher has added a number that nobody knew."""
    lesson = live_lesson(1)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="s-0777",
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            full_name="Whoever it was",
        )
    )
    finish_lesson(lesson.id, actor=TEACHER)
    return lesson.id


def load(path: Path, rows: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    path.write_text(HEAD + rows, encoding="utf-8")
    capsys.readouterr()
    with contextlib.suppress(SystemExit):
        call_command("import_users", str(path), "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def history() -> list[Any]:
    """Everything that was written about lessons."""
    models = (Attendance, AttendanceRecord, AttendanceEvent)
    return [list(model.objects.order_by("pk").values()) for model in models]


def choose_password(number: str) -> None:
    """As its owner does on a page, who came in with the one of the file."""
    user = User.objects.get(school_number=number)
    user.set_password("a choice of their own")
    user.must_change_password = False
    user.save()


def test_whoever_was_added_by_number_is_completed_not_doubled(
    added: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = User.objects.get(school_number="S-0777")
    assert (made.full_name, made.has_usable_password()) == ("Whoever it was", False)
    before, people = history(), User.objects.count()

    report = load(
        tmp_path / "a.csv", f" s-0777,Ada Byron,student,a@example.org,{PASSWORD}\n", capsys
    )

    assert (report["completed"], report["created"], report["bad"]) == (1, 0, [])
    assert User.objects.count() == people
    completed = User.objects.get(school_number="S-0777")
    assert completed.pk == made.pk
    assert (completed.full_name, completed.email) == ("Ada Byron", "a@example.org")
    assert completed.check_password(PASSWORD)
    choose_password("S-0777")
    assert history() == before
    register = Api(TEACHER).get(f"lessons/{added}/records/").json()["results"]
    assert {"S-0777": "Whoever it was"}.items() <= {
        each["school_number"]: each["full_name"] for each in register
    }.items()
    assert [
        (each["school_number"], each["full_name"])
        for each in Api(Person("S-0777", "Ada Byron")).get("me/records/").json()["results"]
    ] == [("S-0777", "Whoever it was")]


def test_names_that_change_later_change_no_history(
    added: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = history()
    rows = "S-0777,Ada Lovelace,,,\nS-0001,Somebody Else,,,\nT-1,Ayşe Demir,teacher,,\n"
    report = load(tmp_path / "a.csv", rows, capsys)
    assert (report["updated"], report["created"]) == (3, 0)
    assert history() == before
    lesson = Api(TEACHER).get(f"lessons/{added}/").json()
    assert lesson["teacher"]["full_name"] == "Ayşe Yılmaz"


def test_a_number_that_was_typed_wrong_is_merged_and_both_are_imported_later(
    added: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = User.objects.get(school_number="S-0777"), account(Person("S-0778", "Ada"))
    merge(wrong, right)
    before, people = history(), User.objects.count()

    rows = f"S-0777,Ada B,,,{PASSWORD}\nS-0778,Ada Byron,,,{PASSWORD}\n"
    report = load(tmp_path / "a.csv", rows, capsys)

    assert (report["completed"], report["created"]) == (2, 0)
    assert (User.objects.count(), history()) == (people, before)
    wrong.refresh_from_db()
    assert wrong.merged_into == right
    # A password from the file opens no merged account.
    answer = Api().post("auth/tokens/", {"school_number": "S-0777", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "account_merged")
    choose_password("S-0778")
    records = Api(Person("S-0778", "Ada Byron")).get("me/records/").json()["results"]
    assert [each["school_number"] for each in records] == ["S-0777"]
    unmerge(wrong)
    assert issue_token(wrong.pk)
    answer = Api().post("auth/tokens/", {"school_number": "S-0777", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "password_change_needed")
