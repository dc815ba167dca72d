"""manage.py import_users: good rows apply once, bad ones are told by line and reason."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import UserFactory
from users.importing import import_users
from users.models import User

pytestmark = pytest.mark.django_db

HEAD = "school_number,full_name,role,email,password\n"
GOOD = HEAD + "t-1,Ada Teacher,teacher,ada@example.org,sturdy-Horse-77\ns-1,Ayşe Öz,,,\n"


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


def told(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    with contextlib.suppress(SystemExit):
        call_command("import_users", str(path), "--json", *options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_good_rows_become_people_who_can_sign_in(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(GOOD, encoding="utf-8")

    assert told(write, capsys)["created"] == 2

    teacher = User.objects.get(school_number="T-1")
    assert (teacher.role, teacher.email) == ("teacher", "ada@example.org")
    assert teacher.check_password("sturdy-Horse-77")
    assert not User.objects.get(school_number="S-1").has_usable_password()


def test_applied_again_nothing_changes(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(GOOD, encoding="utf-8")
    told(write, capsys)
    before = list(User.objects.order_by("pk").values())

    again = told(write, capsys)

    assert (again["created"], again["unchanged"], again["bad"]) == (0, 2, [])
    assert list(User.objects.order_by("pk").values()) == before


def test_a_user_whom_persistence_made_is_completed_not_doubled(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    UserFactory(school_number="T-1", full_name="As Seen")
    write.write_text(GOOD, encoding="utf-8")

    report = told(write, capsys)

    assert (report["created"], report["completed"]) == (1, 1)
    user = User.objects.get(school_number="T-1")
    assert (user.full_name, user.role) == ("Ada Teacher", "teacher")
    assert user.check_password("sturdy-Horse-77")


def test_a_password_that_somebody_chose_is_left_alone(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.create_user("T-1", "Ada Teacher", "their own secret")
    write.write_text(GOOD, encoding="utf-8")
    told(write, capsys)

    assert User.objects.get(school_number="T-1").check_password("their own secret")


BAD_ROWS = {
    "bad number,Ada,,,": "invalid_school_number",
    ",Ada,,,": "invalid_school_number",
    "S-2,,,,": "invalid_full_name",
    "S-2,A\x07da,,,": "invalid_full_name",
    "S-2,Ada,boss,,": "invalid_role",
    "S-2,Ada,,no address,": "invalid_email",
    "S-2,Ada,,,12345": "weak_password",
    "S-1,Twice,,,": "duplicate_number",
    "S-2,Ada,,,,extra": "too_many_values",
}


@pytest.mark.parametrize("row", BAD_ROWS)
def test_a_bad_row_is_told_and_the_good_ones_apply(
    row: str, write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(HEAD + "s-1,Ada,,,\n" + row + "\n", encoding="utf-8")

    report = told(write, capsys)

    assert report["created"] == 1
    (bad,) = report["bad"]
    assert (bad["line"], bad["code"]) == (3, BAD_ROWS[row])
    assert bad["detail"]


def test_a_superuser_is_left_alone(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_superuser("S-1", "Root", "their own secret")
    write.write_text(HEAD + "S-1,Student,student,,sturdy-Horse-77\n", encoding="utf-8")

    assert told(write, capsys)["bad"]
    assert User.objects.get(school_number="S-1").is_superuser


def test_a_dry_run_writes_nothing(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(GOOD, encoding="utf-8")

    assert told(write, capsys, "--dry-run")["created"] == 2
    assert not User.objects.exists()


def test_spreadsheets_semicolons_and_marks_are_read(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\ufeff" + GOOD.replace(",", ";").replace("\n", "\r\n")
    write.write_text(text, encoding="utf-8", newline="")

    assert told(write, capsys)["created"] == 2


@pytest.mark.parametrize(
    "raw", [b"", b"name,number\n", b"school_number,full_name\nS-1,\xff\xfe\n", HEAD.encode() + b'"']
)
def test_a_file_that_cannot_be_read_is_2(raw: bytes, write: Path) -> None:
    write.write_bytes(raw)

    with pytest.raises(CommandError) as caught:
        call_command("import_users", str(write))
    assert caught.value.returncode == 2


def test_a_file_that_is_not_there_is_2(write: Path) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("import_users", str(write))
    assert caught.value.returncode == 2


def test_text_names_lines_and_counts(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(GOOD + "!,x,,,\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        call_command("import_users", str(write))

    assert ended.value.code == 3
    out = capsys.readouterr().out
    assert "2 created" in out
    assert "line 4: invalid_school_number" in out


def test_the_query_count_does_not_grow_with_the_rows(write: Path) -> None:
    def queries(first: int, last: int) -> int:
        rows = "".join(f"S-{n},Student {n},,,\n" for n in range(first, last))
        write.write_text(HEAD + rows, encoding="utf-8")
        with CaptureQueriesContext(connection) as captured, write.open(encoding="utf-8") as file:
            import_users(file)
        return len(captured)

    assert queries(0, 1) == queries(1, 900)
