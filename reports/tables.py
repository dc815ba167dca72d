"""Every report as a file has it, by its key."""

from datetime import datetime

from reports.asking import ReportView, check_has_register, find_report
from reports.listed import LISTED
from reports.matrix import register_table
from reports.people import people_table
from reports.report import PEOPLE, REGISTER
from reports.table import ReportTable, table_of

KEYS = (REGISTER.key, PEOPLE.key, *LISTED)


def table_for(key: str, found: ReportView, *, at: datetime, sort: str = "rate") -> ReportTable:
    """All rows of a report. `sort` orders people.

    Raises ReportNotFound, and SectionNeeded for a report of one course where none is chosen.
    """
    if key == REGISTER.key:
        return register_table(found.scope, check_has_register(found))
    if key == PEOPLE.key:
        return people_table(found.scope, check_has_register(found), at=at, sort=sort)
    return table_of(find_report(key, found), found.scope)
