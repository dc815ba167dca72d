"""Lists of the administration over millions of rows: pages that are bounded, and periods."""

import re
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext_lazy as _

from users import lookups
from users.selectors import accounts_found

DECEMBER = 12
LONGEST_COLUMN = 4
"""Digits of the number of a column in an address, and one more."""
_PERIOD = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2}))?")
MOST_LISTED = 10_000
"""So many rows are counted and can be paged through; filters and searches lead to the others."""

MOST_PEOPLE = 200
"""So many people are looked for at once; whoever types more of a name finds the others."""


class BoundedPaginator(Paginator[Any]):
    """Counts no further than its last page: an exact count reads every row."""

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: MOST_LISTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_LISTED)

    @property
    def is_cut(self) -> bool:
        return self._counted > MOST_LISTED


class IndexedOrder(ChangeList):
    """Sorts only by what `sortable_by` names: an address can ask for the other columns as well."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        # With an order in the address Django leaves out the order of the list itself.
        if not any(map(self._is_served, self.params.get(ORDER_VAR, "").split("."))):
            self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)

    def get_ordering_field(self, field_name: Any) -> Any:
        is_sortable = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_sortable else None

    def _is_served(self, part: str) -> bool:
        number = part.removeprefix("-")
        if not (number.isascii() and number.isdigit() and len(number) < LONGEST_COLUMN):
            return False
        shown = self.list_display[int(number) : int(number) + 1]
        return any(self.get_ordering_field(name) is not None for name in shown)


class SearchedByPerson(admin.ModelAdmin[Any]):
    """Searches rows by whose they are: the people first, then their rows by an index.

    A pattern over the rows themselves would read all of them, and so would a filter that few rows
    pass and no index serves: without a person it is of the newest rows only.
    """

    grows_by = "pk"
    """The field that finds the newest rows."""
    filters_of_newest: tuple[str, ...] = ()
    """Filters that no index serves, by their names in the address."""

    search_fields = ("student__school_number__found", "student__full_name__found")
    search_help_text = _("Number or name of the student, as it is now; also a former number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return self._without_person(request, queryset), False
        accounts, are_more = accounts_found(search_term, most=MOST_PEOPLE)
        if are_more:
            words = _("These are rows of the first %(n)d people only: type more of the name.")
            self.message_user(request, words % {"n": MOST_PEOPLE}, messages.WARNING)
        return self.rows_of(queryset, accounts, search_term), False

    def _without_person(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.is_of_newest(request):
            return queryset
        words = _("These are of the newest %(n)s rows. Search for a person to see all of theirs.")
        number = number_format(lookups.MOST_SEARCHED, force_grouping=True)
        self.message_user(request, words % {"n": number}, messages.INFO)
        return queryset & lookups.newest_of(self.get_queryset(request), by=self.grows_by)

    def is_of_newest(self, request: HttpRequest) -> bool:
        """Whether a filter is asked for that no index serves."""
        return any(request.GET.get(name) for name in self.filters_of_newest)

    def rows_of(
        self, queryset: QuerySet[Any], accounts: list[int], search_term: str
    ) -> QuerySet[Any]:
        return queryset.filter(student__in=accounts)


class SearchedAmongNewest(admin.ModelAdmin[Any]):
    """Searches the newest rows of those that the filters leave, or one row by its whole id."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        with suppress(ValueError):
            return queryset.filter(pk=UUID(search_term.strip())), False
        if search_term.strip():
            queryset = lookups.newest_of(queryset, by="starts_at")
        return super().get_search_results(request, queryset, search_term)


class PeriodFilter(admin.SimpleListFilter):
    """Years from the first row to the last, and the months of the year that was chosen.

    In place of `date_hierarchy`, which sorts every row. The field needs an index.
    """

    title = _("period")
    parameter_name = "period"
    field = "starts_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.model._default_manager.order_by()
        ends = rows.aggregate(first=Min(self.field), last=Max(self.field))
        if ends["first"] is None:
            return []
        first, last = (timezone.localtime(ends[name]).year for name in ("first", "last"))
        chosen = _start_of(self.used_parameters.get(self.parameter_name) or "")
        found = []
        for year in range(last, first - 1, -1):
            found.append((str(year), str(year)))
            if chosen and chosen.year == year:
                found += [(f"{year}-{m:02}", _name_of(year, m)) for m in range(1, 13)]
        return found

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = self.value() or ""
        start = _start_of(text)
        if start is None:
            return queryset
        year, month = start.year, start.month
        is_whole_year = "-" not in text
        is_last_month = is_whole_year or month == DECEMBER
        end = start.replace(year=year + is_last_month, month=1 if is_last_month else month + 1)
        return queryset.filter(**{f"{self.field}__gte": start, f"{self.field}__lt": end})


def _start_of(text: str) -> datetime | None:
    """The first instant of "2026" or "2026-03", in the site's time zone."""
    found = _PERIOD.fullmatch(text)
    if found is None or not MINYEAR < int(found["year"]) < MAXYEAR:
        return None
    month = int(found["month"] or 1)
    zone = timezone.get_current_timezone()
    return datetime(int(found["year"]), month, 1, tzinfo=zone) if 1 <= month <= DECEMBER else None


def _name_of(year: int, month: int) -> str:
    return date_format(date(year, month, 1), "F Y")
