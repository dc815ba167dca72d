"""Totals against the marks that they are of, after whatever a test has done."""

from collections.abc import Iterator

import pytest

from attendance.models import Attendance
from reports.models import SectionTotal
from reports.verifying import WrongTotal, compare


def wrong_totals() -> list[WrongTotal]:
    """Whose totals are not what their marks add up to, in every section."""
    rows = Attendance.objects.exclude(section=None).order_by()
    sections = set(rows.values_list("section_id", flat=True).distinct())
    sections |= set(SectionTotal.objects.values_list("section_id", flat=True))
    return compare(sorted(pk for pk in sections if pk is not None))[1]


@pytest.fixture
def totals_agree(transactional_db: None) -> Iterator[None]:
    """For tests that change marks by the services alone: at their end every total is right."""
    yield
    assert wrong_totals() == []
