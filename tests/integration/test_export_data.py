"""Exports of attn_v1: nothing that was committed is left out, and nothing is half there."""

import csv
import gzip
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from attendance import scheduler
from attendance.models import AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from reports.feed import thinning
from reports.models import TouchedLesson
from tests.support.lessons import TEACHER, end, student
from tests.support.sections import ended_section_lesson, section_lesson, section_of_today
from users.models import SecurityEvent

pytestmark = pytest.mark.django_db(transaction=True)

MARK = (
    "UPDATE attendance_attendancerecord SET status = %s, source = 'teacher'"
    " WHERE attendance_id = %s"
)


class Exporter:
    """Whoever fetches the data each night, and goes on where the last manifest ended."""

    def __init__(self, into: Path, capsys: Any) -> None:
        self.into, self.capsys, self.since = into, capsys, "0"

    def fetch(self, *options: str, since: str = "") -> dict[str, Any]:
        """The rows of each view, and the manifest."""
        start = since or self.since
        _let_others_end()
        call_command("export_data", since=start, output=self.into, json=True, **_named(options))
        told: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        folder = Path(told.pop("folder"))
        assert json.loads((folder / "manifest.json").read_text()) == told
        self.since = told["next"]
        rows = {file["view"]: rows_of(folder / file["name"], file) for file in told["files"]}
        return {"manifest": told, **rows}


def _let_others_end() -> None:
    """Other tests have transactions on the same server: what is open is fetched again later."""
    deadline = monotonic() + 3
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_snapshot_xmin(s) = pg_snapshot_xmax(s) FROM pg_current_snapshot() AS s"
            )
            if cursor.fetchone()[0]:
                return
        sleep(0.02)


def _named(options: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys(options, True)


def rows_of(path: Path, file: dict[str, Any]) -> list[dict[str, str]]:
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert len(content) == file["size"]
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(content).decode())))
    assert len(rows) == file["rows"]
    return rows


@pytest.fixture
def exporter(tmp_path: Path, capsys: Any) -> Exporter:
    return Exporter(tmp_path / "data", capsys)


@pytest.fixture
def lessons() -> list[UUID]:
    """Two stored ones of one section, on one day, with two marks each."""
    section = section_of_today((1, 2))
    made = [ended_section_lesson(section, [1]).id for _ in range(2)]
    unified_persistence_task()
    return made


@pytest.fixture
def late() -> Iterator[Any]:
    """A connection of somebody else, in a transaction that stays open."""
    other = connection.copy("late")
    other.set_autocommit(False)
    yield other
    other.close()


def statuses(found: dict[str, Any], lesson: UUID) -> set[str]:
    return {row["status"] for row in found["fct_record"] if row["lesson_key"] == str(lesson)}


def touched(found: dict[str, Any]) -> set[str]:
    return {row["lesson_key"] for row in found["dim_lesson"]}


def test_a_transaction_that_began_first_and_commits_last_is_not_missed(
    exporter: Exporter, lessons: list[UUID], late: Any
) -> None:
    slow, quick = lessons
    exporter.fetch()
    with late.cursor() as cursor:
        cursor.execute(MARK, ["late", slow])
    with connection.cursor() as cursor:
        cursor.execute(MARK, ["excused", quick])
    meanwhile = exporter.fetch()
    assert statuses(meanwhile, quick) == {"excused"}
    assert touched(meanwhile) == {str(quick)}
    late.commit()
    assert statuses(exporter.fetch(), slow) == {"late"}
    assert touched(exporter.fetch()) == set()


def test_a_lesson_comes_whole_whenever_something_of_it_changes(
    exporter: Exporter, lessons: list[UUID]
) -> None:
    everything = exporter.fetch()
    assert touched(everything) == set(map(str, lessons))
    assert sorted(row["present"] for row in everything["fct_daily"]) == ["0", "2"]
    assert "dim_person_names" not in everything
    correct_record(
        Correction(
            lesson_id=lessons[1],
            school_number=student(2).school_number,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="ill",
        )
    )
    changed = exporter.fetch("names")
    assert touched(changed) == {str(lessons[1])}
    assert sorted(row["status"] for row in changed["fct_record"]) == ["excused", "present"]
    assert "record_corrected" in {row["kind"] for row in changed["fct_event"]}
    # A day is added up from all of its lessons.
    days = [(row["expected"], row["absent"], row["excused"]) for row in changed["fct_daily"]]
    assert sorted(days) == [("2", "0", "0"), ("2", "1", "1")]
    whole = {file["view"]: file["is_whole"] for file in changed["manifest"]["files"]}
    assert {view for view, is_whole in whole.items() if is_whole} == {
        *("dim_person", "dim_person_names", "dim_section"),
    }
    assert "S-0002" in {row["school_number"] for row in changed["dim_person_names"]}
    kinds = SecurityEvent.objects.filter(kind="exported").values_list("details__what", flat=True)
    assert sorted(kinds) == ["data", "data with names"]


def test_a_mark_that_is_stored_after_an_export_is_in_the_next_one(exporter: Exporter) -> None:
    lesson = section_lesson(section_of_today((1,)), [1])
    before = exporter.fetch()
    end(lesson.id)
    unified_persistence_task()
    after = exporter.fetch()
    (mark,) = after["fct_record"]
    # By the instants of marks it would have been left out.
    assert mark["changed_at"] < before["manifest"]["made_at"].replace("T", " ")
    assert statuses(after, lesson.id) == {"present"}


def test_marks_that_are_removed_by_hand_are_told_by_the_lesson(
    exporter: Exporter, lessons: list[UUID]
) -> None:
    exporter.fetch()
    AttendanceRecord.objects.filter(attendance=lessons[0], status="absent").delete()
    assert statuses(exporter.fetch(), lessons[0]) == {"present"}
    noted = TouchedLesson.objects.values_list("changed_in", "lesson_id")
    assert len(noted) == len(set(noted)) >= 2


def test_a_revision_that_this_database_does_not_know_is_refused(
    exporter: Exporter, lessons: list[UUID]
) -> None:
    system, timeline, last = map(int, exporter.fetch()["manifest"]["next"].split("-"))
    others = (f"{system + 1}-{timeline}-{last}", f"{system}-{timeline + 1}-{last}")
    for since in (*others, f"{system}-{timeline}-{last + 10**9}", "yesterday", "-1", ""):
        with pytest.raises(CommandError, match=r"xport everything|or 0 for everything"):
            call_command("export_data", since=since, output=exporter.into)
    assert len(list(exporter.into.iterdir())) == 1
    assert lessons


def test_what_fails_leaves_nothing_behind(exporter: Exporter) -> None:
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER VIEW attn_v1.{old} RENAME TO {new}")

    rename("fct_event", "away")
    try:
        with pytest.raises(ProgrammingError):
            exporter.fetch()
    finally:
        rename("away", "fct_event")
    assert list(exporter.into.iterdir()) == []
    assert exporter.fetch()["fct_event"] == []
    (folder,) = exporter.into.iterdir()
    # They are data of people: for whoever runs the command, and nobody else.
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError):
        call_command("export_data", since="0", output=folder / "manifest.json")


def mark(lesson: UUID, status: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MARK, [status, lesson])


def test_of_several_changes_of_a_lesson_the_newest_is_enough(
    exporter: Exporter, lessons: list[UUID]
) -> None:
    exporter.fetch()
    first = exporter.since
    mark(lessons[0], "late")
    exporter.fetch()
    second = exporter.since
    mark(lessons[0], "excused")
    mark(lessons[1], "late")
    rows = TouchedLesson.objects.values_list("lesson_id", flat=True)
    assert len(rows.all()) > len(lessons)

    assert thinning.remove_superseded() > 0

    assert sorted(rows.all()) == sorted(lessons)
    for since in (first, second, "0"):
        found = exporter.fetch(since=since)
        assert touched(found) == set(map(str, lessons))
        assert [statuses(found, each) for each in lessons] == [{"excused"}, {"late"}]
    assert thinning.remove_superseded() == 0
    assert touched(exporter.fetch()) == set()


def test_a_change_that_is_not_committed_takes_no_other_away(
    exporter: Exporter, lessons: list[UUID], late: Any
) -> None:
    exporter.fetch()
    since = exporter.since
    mark(lessons[0], "late")
    with late.cursor() as cursor:
        cursor.execute(MARK, ["excused", lessons[0]])
    thinning.remove_superseded()
    late.rollback()
    found = exporter.fetch(since=since)
    assert touched(found) == {str(lessons[0])}
    assert statuses(found, lessons[0]) == {"late"}


def test_the_daily_run_thins_and_others_do_not(lessons: list[UUID]) -> None:
    mark(lessons[0], "late")

    def tick() -> int:
        # A whole run: it closes the connections of its thread.
        thread = threading.Thread(target=scheduler._tick)
        thread.start()
        thread.join(60)
        return TouchedLesson.objects.count()

    assert tick() == len(lessons)
    mark(lessons[0], "excused")
    assert tick() > len(lessons)
