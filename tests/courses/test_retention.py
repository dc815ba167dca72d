"""Evidence is removed in time; that there was some, stays."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from pytest_django.fixtures import Settings

from courses import errors
from courses.downloads import attachment
from courses.models import AbsenceEvidence
from courses.services import retention
from courses.services.absences import attach_evidence
from courses.services.evidence import EvidenceFile
from courses.services.retention import remove_old_evidence
from tests.support.course_factories import AbsenceFactory
from tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db

TODAY = date(2028, 1, 1)
NOW = datetime(2028, 1, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EVIDENCE_FOLDER = str(tmp_path)
    return tmp_path


def kept(until: date) -> AbsenceEvidence:
    row = attach_evidence(
        absence_id=AbsenceFactory.create().pk,
        file=EvidenceFile(name="note.pdf", content=b"%PDF-1.7"),
        actor=UserFactory.create(staff=True),
    )
    AbsenceEvidence.objects.filter(pk=row.pk).update(kept_until=until)
    row.refresh_from_db()
    return row


def test_a_file_is_removed_after_its_last_day_and_its_row_stays(folder: Path) -> None:
    old, last, later = kept(TODAY - DAY), kept(TODAY), kept(TODAY + DAY)
    assert remove_old_evidence(today=TODAY, now=NOW, dry_run=True).files == 1
    assert len(list(folder.iterdir())) == 3

    done = remove_old_evidence(today=TODAY, now=NOW)

    assert (done.files, done.size) == (1, 8)
    assert {Path(row.file.path) for row in (last, later)} == set(folder.iterdir())
    old.refresh_from_db()
    assert (old.removed_at, old.name) == (NOW, "note.pdf")
    with pytest.raises(errors.EvidenceRemoved, match="2027-12-31"):
        attachment(old)
    assert remove_old_evidence(today=TODAY, now=NOW).files == 0


def test_a_run_that_dies_between_file_and_row_is_completed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = kept(TODAY - DAY)
    Path(old.file.path).unlink()
    assert remove_old_evidence(today=TODAY, now=NOW).files == 1
    old.refresh_from_db()
    assert old.removed_at == NOW


def test_many_are_removed_part_by_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS", 2)
    for _ in range(5):
        kept(TODAY - DAY)
    assert remove_old_evidence(today=TODAY, now=NOW).files == 5
    assert list(folder.iterdir()) == []


def test_the_setting_says_how_long(settings: Settings) -> None:
    settings.EVIDENCE_DAYS = 30
    row = attach_evidence(
        absence_id=AbsenceFactory.create(ends_at=datetime(2026, 10, 5, 12, tzinfo=UTC)).pk,
        file=EvidenceFile(name="note.pdf", content=b"%PDF-1.7"),
        actor=UserFactory.create(staff=True),
    )
    assert row.kept_until == date(2026, 11, 4)


def run(*options: str) -> str:
    out = StringIO()
    call_command("remove_old_evidence", *options, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_has_removed() -> None:
    assert run() == "Removed 0 files, 0 bytes.\n"
    kept(date(2020, 1, 1))
    assert run("--dry-run") == "Would remove 1 files, 8 bytes.\n"
    assert json.loads(run("--json", "--dry-run")) == {"files": 1, "size": 8, "is_dry_run": True}
    assert run() == "Removed 1 files, 8 bytes.\n"


def test_the_command_ends_with_a_status(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(date(2020, 1, 1))
    settings.EVIDENCE_FOLDER = ""
    with pytest.raises(CommandError, match="keeps no files") as caught:
        run()
    assert caught.value.returncode == 2

    def away(**_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("courses.management.commands.remove_old_evidence.remove_old_evidence", away)
    with pytest.raises(CommandError, match="away") as caught:
        run()
    assert caught.value.returncode == 75
