"""The administration's own pages say by name where they are, each name a link."""

import re
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from attendance.models import Attendance, AttendanceRecord, QuarantinedPayload
from attendance.services.persistence import unified_persistence_task
from tests.pages.visitors import signed_in
from tests.support.lessons import ended_lesson, put_record
from tests.support.members import STAFF, section_with_everybody

pytestmark = pytest.mark.django_db(transaction=True)

CRUMBS = re.compile(r'<div class="breadcrumbs">(.*?)</div>', re.DOTALL)
LINK = re.compile(r'<a href="([^"]+)">(.*?)</a>')


def crumbs_of(page: Any) -> str:
    found = CRUMBS.search(page.content.decode())
    assert found is not None
    return unescape(" ".join(strip_tags(found[1]).split()))


def test_breadcrumbs_have_names_and_lead_there() -> None:
    lesson = ended_lesson(2)
    put_record(lesson.id, "S-0009", b"not a record")
    unified_persistence_task()
    stored, payload = Attendance.objects.get(), QuarantinedPayload.objects.get()
    record, section = AttendanceRecord.objects.first(), section_with_everybody(title="Physics I")
    assert record is not None
    register = f"Home › Attendance › Attendances › {stored} ›"
    waits = f"Home › Attendance › Quarantine › {payload} ›"
    expected = {
        reverse("admin:attendance_flag", args=[stored.pk]): register,
        reverse("admin:attendance_attendancerecord_change", args=[record.pk]): register,
        reverse("admin:attendance_correct", args=[record.pk]): f"{register} {record} › Correct",
        reverse("admin:attendance_quarantine_set_aside", args=[payload.pk]): waits,
        reverse("admin:attendance_quarantine_replay", args=[payload.pk]): waits,
        reverse("admin:attendance_alarmepisode_acknowledge"): "Home › Operations › Acknowledge",
        reverse("admin:attendance_lessonledger_settle"): "Home › Operations › Settle",
        reverse("admin:courses_archive_section", args=[section.pk]): f"› {section} › Archive",
        reverse("admin:courses_make_section"): "Sections › Make a section",
    }
    desk = signed_in(STAFF)
    for path, words in expected.items():
        page = desk.get(path)
        assert words in crumbs_of(page), path
        found = CRUMBS.search(page.content.decode())
        assert found is not None
        for address, _name in LINK.findall(found[1]):
            assert desk.get(address).status_code == 200, address
    turkish = desk.get(reverse("admin:courses_make_section"), headers={"accept-language": "tr"})
    assert "Geri" not in crumbs_of(turkish)
