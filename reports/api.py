"""Reports over the API: which there are, their rows as pages of JSON, and all rows as CSV."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging
from attendance.api.callers import caller_of
from attendance.api.parsing import PageQuery, Strict, query_of
from attendance.api.requests import NoQuerySerializer
from attendance.api.schema import page_of
from attendance.api.views.absences import AsItIs
from attendance.selectors.paging import Page
from courses.vocabulary import LONGEST_CODE, Component
from reports import rows
from reports.asking import (
    FIRST_DAY,
    LAST_DAY,
    ReportFilter,
    ReportView,
    ask,
    check_has_register,
    check_may_take_files,
    find_report,
)
from reports.files.cells import for_programs
from reports.files.csv import lines_for_programs
from reports.listed import LISTED
from reports.people import COLUMNS, cells_of, people_of_section
from reports.query import MOST_ID, WHOLE
from reports.report import PEOPLE, Cell, Report, ReportColumn
from reports.tables import table_for
from users import security_log
from users.credentials import user_of
from users.identity import LONGEST_SCHOOL_NUMBER
from users.models import SecurityKind
from users.security_log import Details


class _Day(serializers.DateField):
    """A day as 2026-03-02, of this era."""

    default_error_messages = {"range": "A day is between 1970 and 9998."}  # noqa: RUF012

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            self.fail("range")
        return day


class ReportScopeQuery(Strict):
    """What a report is about."""

    section = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ID)
    group = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_ID, help_text="A group of that section."
    )
    person = serializers.CharField(
        required=False, max_length=2 * LONGEST_SCHOOL_NUMBER, help_text="A school number."
    )
    term = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ID)
    course = serializers.CharField(
        required=False, max_length=LONGEST_CODE, help_text="A code of the catalogue."
    )
    component = serializers.ChoiceField(
        required=False, choices=[WHOLE, *(each for each in Component.values if each)]
    )

    def get_fields(self) -> dict[str, Any]:
        # `from` is no name that a class can give.
        days = {"from": _Day(required=False), "to": _Day(required=False)}
        return {**super().get_fields(), **days}


class ReportPageQuery(PageQuery, ReportScopeQuery):
    """The same, and which page of it."""


class ReportColumnSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    kind = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    columns = ReportColumnSerializer(many=True)


class ReportRowSerializer(serializers.Serializer[Any]):
    """The cells of a row by the keys of the report's columns: texts, numbers and null."""


class ReportsEndpoint(APIView):
    @extend_schema(
        responses=page_of(ReportSerializer), description="The reports and their columns."
    )
    def get(self, request: Request) -> Response:
        query_of(request, NoQuerySerializer)
        listed = [{"key": PEOPLE.key, "columns": COLUMNS}, *LISTED.values()]
        return paging.whole(ReportSerializer(listed, many=True).data)


class ReportEndpoint(APIView):
    @extend_schema(
        parameters=[ReportPageQuery],
        responses=page_of(ReportRowSerializer),
        description="Rows of a report, the newest first: staff of all lessons, teachers of the "
        "courses that they teach today, students of themselves. `people` is whole, and of one "
        "course.",
    )
    def get(self, request: Request, key: str) -> Response:
        query = query_of(request, ReportPageQuery)
        found = _read(request, query)
        if key == PEOPLE.key:
            return paging.whole(_people(found))
        report = find_report(key, found)
        part = paging.slice_of(query, _text)
        _check_place(report, found, part.before or part.after)
        page = rows.page_of(
            report,
            found.scope,
            limit=part.limit,
            before=part.before or "",
            after=part.after or "",
        )
        results = [_as_json(report.columns, cells, found.scope.zone) for cells in page.rows]
        keys = Page(results, page.next_key or None, page.previous_key or None)
        return paging.respond(request, keys, results)


class ReportCsvEndpoint(APIView):
    content_negotiation_class = AsItIs

    @extend_schema(
        parameters=[ReportScopeQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        description="All rows as CSV, under the keys of the columns; nothing is cut. Not for "
        "assistants.",
    )
    def get(self, request: Request, key: str) -> HttpResponseBase:
        found = _read(request, query_of(request, ReportScopeQuery))
        table = table_for(key, found, at=timezone.now())
        check_may_take_files(found)
        security_log.write(SecurityKind.EXPORTED, details=Details(what=f"report:{table.key}"))
        lines = lines_for_programs(table)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")


def _read(request: Request, query: dict[str, Any]) -> ReportView:
    component = query.get("component")
    asked = ReportFilter(
        section_id=query.get("section"),
        group_id=query.get("group"),
        person=query.get("person", ""),
        term_id=query.get("term"),
        course=query.get("course", ""),
        component="" if component == WHOLE else component,
        first_on=query.get("from"),
        last_on=query.get("to"),
    )
    return ask(asked, user=user_of(caller_of(request)), at=timezone.now())


def _people(found: ReportView) -> list[dict[str, Any]]:
    """All of a course: a roster has an end."""
    people = people_of_section(found.scope, check_has_register(found), at=timezone.now())
    return [_as_json(COLUMNS, cells_of(person), found.scope.zone) for person in people]


def _text(key: str) -> str:
    if not key:
        raise ValueError(key)
    return key


def _check_place(report: Report, found: ReportView, key: str | None) -> None:
    if key is not None and rows.read_key(report.query(found.scope), report.order, key) is None:
        raise NotFound(paging.NO_PAGE, "page_not_found")


def _as_json(
    columns: Sequence[ReportColumn], cells: Sequence[Cell], zone: ZoneInfo
) -> dict[str, Any]:
    pairs = zip(columns, cells, strict=True)
    return {column.key: _json_cell(cell, zone) for column, cell in pairs}


def _json_cell(cell: Cell, zone: ZoneInfo) -> Any:
    if isinstance(cell, Fraction | Decimal):
        return float(cell)
    if cell is None or isinstance(cell, int):
        return cell
    # JSON runs nothing: a text stays as it is.
    return str(cell) if isinstance(cell, str) else for_programs(cell, zone)
