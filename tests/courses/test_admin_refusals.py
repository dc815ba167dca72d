"""Bad input in the admin is told, what was typed is kept, and nothing is left half done."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from courses.models import Absence, AbsenceEvidence, Enrolment, Section
from tests.support.course_factories import (
    TERM_ENDS,
    TERM_STARTS,
    AbsenceFactory,
    AbsenceReasonFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def desk(client: Client, settings: Settings, tmp_path: Path) -> Client:
    settings.SECURE_SSL_REDIRECT = False
    settings.EVIDENCE_FOLDER = str(tmp_path)
    client.force_login(UserFactory.create(school_number="STAFF-1", staff=True))
    return client


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((TERM_STARTS + DAY, TERM_STARTS), "Choose a later end"),
        ((TERM_STARTS + DAY, TERM_STARTS + DAY), "Choose a later end"),
        ((TERM_STARTS - DAY, None), "Choose other days"),
        ((TERM_ENDS, None), "Choose a later end"),
        ((TERM_STARTS, TERM_ENDS + DAY), "Choose other days"),
    ],
)
def test_an_enrolment_on_bad_days_is_refused(desk: Client, days: Any, words: str) -> None:
    """One that ends before it begins, or whose days are those of another term."""
    begins_on, ends_on = days
    TermFactory.create(starts_on=TERM_ENDS, ends_on=TERM_ENDS + 90 * DAY)
    student, section = UserFactory.create(full_name="Ada Lovelace"), SectionFactory.create()
    form = {"user": student.pk, "role": "student", "begins_on": begins_on, "ends_on": ends_on or ""}
    answer = desk.post(reverse("admin:courses_enrol", args=[section.pk]), form)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert f'value="{begins_on}"' in answer.content.decode()
    assert not Enrolment.objects.exists()


def test_a_section_in_a_zone_that_does_not_exist_is_not_made(desk: Client) -> None:
    form = {
        "term": TermFactory.create().pk,
        "title": "Optics",
        "time_zone": "Europe/Atlantis",
        "walk_ins": "hold",
        "starts_on": TERM_STARTS,
        "ends_on": TERM_ENDS,
    }
    page = desk.post(reverse("admin:courses_make_section"), form).content.decode()
    assert "There is no time zone" in page
    assert 'value="Optics"' in page
    assert not Section.objects.exists()


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (("2027-11-09", "09:00"), "at most 366 days"),
        (("2026-10-05", "09:00"), "ends before it starts"),
        (("2026-10-04", "09:00"), "ends before it starts"),
        # 366 days and a second.
        (("2027-10-06", "09:00:01"), "at most 366 days"),
    ],
)
def test_an_absence_that_is_too_long_or_backwards_is_refused(
    desk: Client, until: tuple[str, str], words: str
) -> None:
    form = {
        "user": UserFactory.create().pk,
        "starts_at_0": "2026-10-05",
        "starts_at_1": "09:00",
        "ends_at_0": until[0],
        "ends_at_1": until[1],
        "reason": AbsenceReasonFactory.create().pk,
        "note": "by telephone",
    }
    page = desk.post(reverse("admin:courses_ask_absence"), form).content.decode()
    assert words in page
    assert 'value="by telephone"' in page
    assert not Absence.objects.exists()


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("note.png", b"\x00" * 10_000_000)
    return file.getvalue()


BAD_FILES = {
    "six megabytes": ("letter.pdf", b"%PDF-1.7".ljust(6 * 1024 * 1024, b"x"), "at most 5 MB"),
    "a script": ("letter.pdf", b"#!/bin/sh\nrm -r /\n", "no PDF, JPEG or PNG"),
    "a zip bomb": ("photo.png", _bomb(), "no PDF, JPEG or PNG"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("door", ["asked", "attached"])
def test_a_bad_file_leaves_nothing_behind(
    desk: Client, kind: str, door: str, tmp_path: Path
) -> None:
    name, content, words = BAD_FILES[kind]
    file = SimpleUploadedFile(name, content)
    if door == "attached":
        address = reverse("admin:courses_attach_evidence", args=[AbsenceFactory.create().pk])
        form: dict[str, Any] = {"file": file}
    else:
        address = reverse("admin:courses_ask_absence")
        form = {
            "user": UserFactory.create().pk,
            "starts_at_0": "2026-10-05",
            "starts_at_1": "09:00",
            "ends_at_0": "2026-10-05",
            "ends_at_1": "12:00",
            "reason": AbsenceReasonFactory.create().pk,
            "file": file,
        }
    answer = desk.post(address, form)
    assert words in answer.content.decode()
    assert Absence.objects.count() == int(door == "attached")
    assert not AbsenceEvidence.objects.exists()
    assert list(tmp_path.iterdir()) == []
