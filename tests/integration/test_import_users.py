"""manage.py import_users: good rows apply once, bad ones are told by line and reason."""

import contextlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.support.factories import UserFactory
from tests.support.processes import DEAD_DATABASE, manage
from users import importing
from users.errors import UnreadableFile
from users.identity import Person
from users.importing import import_users
from users.models import User
from users.services import ensure_users

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
    "1.00012E+07,Ada,,,": "number_from_spreadsheet",
    ",Ada,,,": "invalid_school_number",
    "S-2,,,,": "invalid_full_name",
    "S-2,A\x07da,,,": "invalid_full_name",
    "S-2,Ada,boss,,": "invalid_role",
    "S-2,Ada,,no address,": "invalid_email",
    "S-2,Ada,,,12345": "weak_password",
    "STUDENT-2026,Ada,,,Student-2026": "weak_password",
    "S-2,Ada,,,sturdy\x00Horse-77": "weak_password",
    'S-2,"A"da,,,': "unreadable_row",
    f"S-2,{'x' * 200_000},,,": "unreadable_row",
    'S-2,"Ada\nS-3,Lin",,,': "row_of_several_lines",
    "S-1,Twice,,,": "duplicate_number",
    "S-2,Ada,,,,extra": "too_many_values",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_a_bad_row_is_told_and_the_good_ones_apply(
    row: str, write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(f"{HEAD}s-1,Ada,,,\n{row}\ns-9,Last,,,\n", encoding="utf-8")

    report = told(write, capsys)

    assert report["created"] == 2
    (bad,) = report["bad"]
    assert (bad["line"], bad["code"]) == (3, BAD_ROWS[row])
    assert bad["detail"]


def test_a_row_after_one_of_several_lines_is_told_by_its_own_line() -> None:
    report = import_users(io.StringIO(HEAD + 'S-2,"Ada\nLin",,,\n\n!,x,,,\n'))

    assert [row.line for row in report.bad] == [2, 5]


def test_both_lines_of_a_number_that_comes_twice_are_named() -> None:
    report = import_users(io.StringIO(HEAD + "S-1,Ada,,,\nS-2,Lin,,,\ns-1,Ada,,,\n"))

    assert [row.line for row in report.bad] == [4]
    assert "Line 2 " in report.bad[0].detail


def test_bad_rows_and_files_are_told_in_the_language_of_the_import() -> None:
    with translation.override("tr"):
        report = import_users(io.StringIO(HEAD + f"S-1,{'x' * 201},,,\nS-2,Ada,boss,,\n"))
        with pytest.raises(CommandError, match="İlk satır sütunların adını"):
            call_command("import_users", __file__)
    assert [row.code for row in report.bad] == ["invalid_full_name", "invalid_role"]
    assert "1 ile 200 karakter arasındadır" in report.bad[0].detail
    assert report.bad[1].detail == "Rol student, teacher veya staff olabilir."


def test_empty_cells_past_the_last_column_harm_nobody() -> None:
    assert import_users(io.StringIO("full_name,school_number\nAda,S-1,,\n")).created == 1


@pytest.mark.parametrize("text", ["school_number,full_name\nT-1,New Name\n", HEAD + "T-1,New Name"])
def test_what_the_file_does_not_say_stays_as_it_is(text: str) -> None:
    UserFactory(school_number="T-1", full_name="Ada", role="teacher", email="ada@example.org")

    assert import_users(io.StringIO(text)).updated == 1

    user = User.objects.get(school_number="T-1")
    assert (user.full_name, user.role, user.email) == ("New Name", "teacher", "ada@example.org")


def test_a_superuser_is_left_alone(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_superuser("S-1", "Root", "their own secret")
    write.write_text(HEAD + "S-1,Student,student,,sturdy-Horse-77\n", encoding="utf-8")

    assert [row["code"] for row in told(write, capsys)["bad"]] == ["superuser"]
    assert User.objects.get(school_number="S-1").is_superuser


def test_a_dry_run_writes_nothing(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(GOOD, encoding="utf-8")

    UserFactory(school_number="T-1", full_name="As Seen")
    before = list(User.objects.values())

    report = told(write, capsys, "--dry-run")

    assert (report["created"], report["completed"], report["is_dry_run"]) == (1, 1, True)
    assert list(User.objects.values()) == before


def test_spreadsheets_semicolons_and_marks_are_read(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\ufeff" + GOOD.replace(",", ";").replace("\n", "\r\n")
    write.write_text(text, encoding="utf-8", newline="")

    assert told(write, capsys)["created"] == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf\xef\xbb\xbfschool_number,full_name\nE-1,Ada\n",
        b"\nschool_number,full_name\nE-1,Ada\n",
        b"sep=;\r\nschool_number;full_name\r\nE-1;Ada\r\n",
        b"school_number,full_name,role,,\nE-1,Ada,student,,\n",
        "Okul No\tAd Soyad\nE-1\tAda\n".encode("utf-16"),
    ],
    ids=["two marks", "blank line", "sep", "empty cells", "utf-16"],
)
def test_what_spreadsheets_write_is_read(
    raw: bytes, write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_bytes(raw)

    assert told(write, capsys)["created"] == 1
    assert User.objects.get().full_name == "Ada"


def test_an_encoding_is_chosen_by_an_option(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_bytes("school_number,full_name\nE-1,Çağrı\n".encode("cp1254"))
    with pytest.raises(CommandError, match="--encoding cp1254"):
        call_command("import_users", str(write))

    assert told(write, capsys, "--encoding", "cp1254")["created"] == 1
    assert User.objects.get().full_name == "Çağrı"


@pytest.mark.parametrize("name", ["\u200b", "\u202eeilA"])
def test_a_name_that_nobody_can_read_is_left_out(name: str) -> None:
    report = import_users(io.StringIO(f"school_number,full_name\nE-11,{name}\n"))
    assert [row.code for row in report.bad] == ["invalid_full_name"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"name,number\n",
        b"school_number,full_name,full_name\nS-1,A,B\n",
        b"school_number,full_name,passwort\nS-1,A,B\n",
        b"school_number,full_name\nS-1,\xff\xfe\n",
        HEAD.encode("utf-16-le"),
        HEAD.encode() + b'"',
        HEAD.encode() + b'S-1,"Ada,,,\nS-2,Lin,,,\nS-3,"Mia",,,\n',
    ],
    ids=range(8),
)
def test_a_file_that_cannot_be_read_is_2(raw: bytes, write: Path) -> None:
    write.write_bytes(raw)

    with pytest.raises(CommandError) as caught:
        call_command("import_users", str(write))
    assert caught.value.returncode == 2
    assert not User.objects.exists()


def test_an_open_quotation_mark_is_told_by_the_line_where_it_is() -> None:
    with pytest.raises(UnreadableFile, match="From line 3 on"):
        import_users(io.StringIO(HEAD + 'S-1,Ada,,,\nS-2,"Lin,,,\nS-3,Mia,,,\n'))


def test_without_postgresql_it_is_75(write: Path) -> None:
    write.write_text(GOOD, encoding="utf-8")
    done = manage("import_users", str(write), env={"DATABASE_URL": DEAD_DATABASE})

    assert done.returncode == 75
    assert "PostgreSQL cannot be reached" in done.stderr


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


def test_each_row_of_each_batch_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    UserFactory(school_number="S-4", full_name="Four")
    done: list[int] = []
    rows = "".join(f"S-{n},Student {n},,,\n" for n in range(5))

    report = import_users(io.StringIO(HEAD + rows), advance=done.append)

    assert (report.created, report.updated, done) == (4, 1, [2, 2, 1])
    assert User.objects.filter(full_name__startswith="Student ").count() == 5


def elsewhere(work: Callable[[], object]) -> None:
    """Do some work on a connection of its own, which waits for no lock longer than a second."""

    def run() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def before_writing(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Do some work once, when the import has read its users and has not written yet."""
    real, waiting = importing._locked, [work]

    def locked(numbers: list[str]) -> dict[str, User]:
        known = real(numbers)
        if waiting:
            elsewhere(waiting.pop())
        return known

    monkeypatch.setattr(importing, "_locked", locked)


@pytest.mark.django_db(transaction=True)
def test_users_whom_a_task_makes_meanwhile_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    before_writing(monkeypatch, lambda: ensure_users([Person("T-1", "As Seen")]))

    report = import_users(io.StringIO(GOOD))

    assert (report.created, report.completed) == (1, 1)
    user = User.objects.get(school_number="T-1")
    assert (user.full_name, user.role) == ("Ada Teacher", "teacher")
    assert user.check_password("sturdy-Horse-77")


@pytest.mark.django_db(transaction=True)
def test_persistence_does_not_wait_for_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    UserFactory(school_number="T-1", full_name="As Seen")
    before_writing(monkeypatch, lambda: ensure_users([Person("T-1", "As Seen")]))

    try:
        assert import_users(io.StringIO(GOOD)).completed == 1
    except OperationalError as error:
        pytest.fail(f"the task waited for the import: {error}")


@pytest.mark.django_db(transaction=True)
def test_passwords_are_hashed_while_no_row_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    real, hashed = importing.make_password, []

    def make_password(password: str | None) -> str:
        if password:
            hashed.append(connection.in_atomic_block)
        return real(password)

    monkeypatch.setattr(importing, "make_password", make_password)
    UserFactory(school_number="S-1")
    import_users(io.StringIO(GOOD + "s-2,Lin,,,sturdy-Horse-78\n"))

    assert hashed == [False, False]
    import_users(io.StringIO(GOOD + "s-2,Lin,,,sturdy-Horse-78\n"))
    assert hashed == [False, False], "hashed again, although nothing was needed"
