"""The security log as staff read it: nobody writes or removes anything here."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from users.admin_base import ReadOnlyAdmin
from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.models import SecurityEvent, User
from users.selectors import accounts_of_number


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin[SecurityEvent]):
    list_display = (
        "happened_at",
        "kind",
        "of_whom",
        "done_by",
        "times",
        "details_in_words",
        "address",
        "device",
        "typed",
        "request_id",
    )
    list_filter = ("kind", "happened_at")
    list_select_related = ("actor", "subject")
    search_fields = ("subject__school_number__found",)
    search_help_text = _("A number, of whom it is or who did it; also a former one")
    fields = (
        *("kind", "happened_at", "last_at", "times", "of_whom", "done_by"),
        *("details_in_words", "address", "device", "typed", "request_id"),
    )
    ordering = ("-id",)

    @admin.display(description=_("of whom"))
    def of_whom(self, row: SecurityEvent) -> str:
        return _number(row.subject)

    @admin.display(description=_("done by"))
    def done_by(self, row: SecurityEvent) -> str:
        return _number(row.actor)

    @admin.display(description=_("details"))
    def details_in_words(self, row: SecurityEvent) -> str:
        return ", ".join(
            ", ".join(value) if isinstance(value, list) else str(value)
            for value in row.details.values()
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SecurityEvent], search_term: str
    ) -> tuple[QuerySet[SecurityEvent], bool]:
        """By one whole number, so that the indexes of both people serve it."""
        if not search_term.strip():
            return queryset, False
        try:
            number = canonical_school_number(search_term)
        except InvalidSchoolNumber:
            return queryset.none(), False
        ids = list(accounts_of_number(number).values_list("pk", flat=True))
        return queryset.filter(Q(subject__in=ids) | Q(actor__in=ids)), False


def _number(user: User | None) -> str:
    return user.school_number if user else "-"
