"""manage.py export: all rows, whole files, and clear words where there are none."""

import csv
import io
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command

from courses.models import Section
from reports import rows
from reports.management.commands import export
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_of_today, user_of
from tests.support.terms import term_of_lessons
from users.models import SecurityEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def section() -> Section:
    made = section_of_today((1, 2, 3))
    people = [user_of(student(number)) for number in (1, 2, 3)]
    term_of_lessons(made, people, lessons=7, teacher=user_of(TEACHER))
    return made


def exported(*arguments: str) -> list[list[str]]:
    out = io.StringIO()
    call_command("export", *arguments, stdout=out)
    return list(csv.reader(io.StringIO(out.getvalue(), newline="")))


@pytest.mark.parametrize("batch", [1, 3, 4, 21, 2_000])
def test_parts_of_any_size_lose_and_double_nothing(
    section: Section, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "BATCH", batch)
    head, *lines = exported("marks")
    keys = {(line[head.index("starts_at")], line[head.index("school_number")]) for line in lines}
    assert (len(lines), len(keys)) == (21, 21)


def test_each_report_is_of_what_is_asked(section: Section) -> None:
    other = section_of_today((4,))
    term_of_lessons(other, [user_of(student(4))], lessons=2, teacher=user_of(TEACHER))
    assert len(exported("lessons")) == 1 + 9
    assert len(exported("lessons", "--section", str(section.pk))) == 1 + 7
    assert len(exported("marks", "--person", "s-0004")) == 1 + 2
    assert len(exported("people", "--section", str(section.pk))) == 1 + 3
    assert len(exported("register", "--section", str(section.pk))[0]) == 3 + 7
    assert exported("marks", "--to", "2001-01-01")[1:] == []
    # One for each report: who takes the same one again is counted in the same line.
    taken = SecurityEvent.objects.filter(kind="exported").values_list("details__what", flat=True)
    assert sorted(taken) == [f"report:{key}" for key in ("lessons", "marks", "people", "register")]


def test_a_file_is_there_when_it_is_whole(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "marks.csv"
    call_command("export", "marks", "-o", str(to))
    assert len(to.read_text().splitlines()) == 22
    book = tmp_path / "marks.xlsx"
    call_command("export", "marks", "-o", str(book))
    assert "xl/workbook.xml" in ZipFile(book).namelist()

    def breaks(*_: object) -> None:
        raise OSError("The disk is full")

    monkeypatch.setattr(export, "_copy", breaks)
    with pytest.raises(CommandError, match="disk is full"):
        call_command("export", "marks", "-o", str(to))
    assert len(to.read_text().splitlines()) == 22
    assert sorted(path.name for path in tmp_path.iterdir()) == ["marks.csv", "marks.xlsx"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "invalid choice"),
        (["people"], "one course"),
        (["marks", "--section", "777"], "no such section"),
        (["marks", "--section", "9" * 30], "no such section"),
        (["marks", "--person", "S-777"], "Nobody has the number"),
        (["marks", "--person", "/"], "school number"),
        (["marks", "--from", "tomorrow"], "is no day"),
        (["marks", "--from", "0001-01-01"], "era"),
        (["marks", "--from", "2026-02-02", "--to", "2026-02-01"], "first day"),
        (["marks", "-o", "/nowhere/marks.csv"], "No such file"),
    ],
)
def test_what_is_asked_wrongly_is_told(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("export", *arguments)
