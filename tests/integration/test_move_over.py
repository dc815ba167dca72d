"""The recipe for moving over runs as it is written."""

import re
import textwrap
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Verdict
from tests.support.factories import UserFactory
from tests.support.lessons import TEACHER

pytestmark = pytest.mark.django_db(transaction=True)

OLD = """
CREATE TABLE old_attendance
    (id int, name text, teacher text, started timestamptz, ended timestamptz);
CREATE TABLE old_record (attendance_id int, student text, at timestamptz);
INSERT INTO old_attendance VALUES
    (1, 'Physics', 't-1', '2025-03-03 09:00+00', '2025-03-03 09:45+00');
INSERT INTO old_record VALUES
    (1, 's-1', '2025-03-03 09:01+00'), (1, 's-1', '2025-03-03 09:02+00'),
    (1, 's-2', '2025-03-03 09:03+00'), (1, 'nobody', '2025-03-03 09:04+00');
"""


def recipe() -> str:
    text = (Path(settings.BASE_DIR) / "docs" / "how-to" / "move-over.md").read_text()
    blocks = re.findall(r"(?:^ {7}.*\n|^\n)+", text, re.MULTILINE)
    return "\n".join(textwrap.dedent(block) for block in blocks if "INSERT INTO" in block)


def test_old_tables_become_attendances_that_can_be_corrected() -> None:
    for number in ("T-1", "S-1", "S-2"):
        UserFactory(school_number=number, full_name=f"Person {number}")
    with connection.cursor() as cursor:
        try:
            cursor.execute(OLD + recipe())
        finally:
            cursor.execute("DROP TABLE IF EXISTS old_attendance, old_record, old_to_new")

    attendance = Attendance.objects.get()
    assert AttendanceRecord.objects.count() == 2
    assert LessonLedger.objects.get().state == "discarded"
    done = correct_record(
        Correction(
            lesson_id=attendance.pk,
            school_number="S-1",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    assert done.status == "late"
