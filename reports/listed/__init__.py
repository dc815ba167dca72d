"""The reports that are lists, by their keys."""

from typing import Final

from reports.listed.corrections import CORRECTIONS
from reports.listed.courses import COURSES
from reports.listed.lessons import LESSONS, NOT_HELD, NOT_TAKEN
from reports.listed.marks import MARKS, PENDING, WALK_INS
from reports.listed.missed import MISSED
from reports.report import Report

LISTED: Final[dict[str, Report]] = {
    report.key: report
    for report in (
        COURSES,
        MISSED,
        MARKS,
        LESSONS,
        NOT_TAKEN,
        NOT_HELD,
        WALK_INS,
        PENDING,
        CORRECTIONS,
    )
}
