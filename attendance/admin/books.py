"""The lesson ledger and the persistence runs."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.forms import ReasonForm
from attendance.errors import AlarmNotFound
from attendance.models import LessonLedger, PersistenceRun
from attendance.models.books import is_in_state
from attendance.services import alarms
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.vocabulary import LessonState, Trigger
from attendance.wording import runs
from users.admin_base import Place, ReadOnlyAdmin, ask_and_do
from users.admin_lists import PeriodFilter, SearchedAmongNewest
from users.wording import time_of_day

SHORT_STATES: Final = {
    LessonState.SCHEDULED: gettext_lazy("scheduled"),
    LessonState.LIVE: gettext_lazy("live"),
    LessonState.ENDED: gettext_lazy("waits"),
    LessonState.PERSISTED: gettext_lazy("stored"),
    LessonState.DISCARDED: gettext_lazy("stored, not live"),
    LessonState.FAILED: gettext_lazy("failed"),
    LessonState.QUARANTINED: gettext_lazy("unreadable"),
    LessonState.LOST: gettext_lazy("lost"),
}
LONGEST_ERROR: Final = 80
"""Characters of an error in a list."""


class StateNow(admin.SimpleListFilter):
    """Filter by the state of a lesson at this moment, as the operations page counts it."""

    title = gettext_lazy("state now")
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(LessonState.choices)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LessonLedger]
    ) -> QuerySet[LessonLedger]:
        state = self.value()
        if state is None:
            return queryset
        return queryset.filter(is_in_state(state, timezone.now()))


@admin.register(LessonLedger)
class LessonLedgerAdmin(SearchedAmongNewest, ReadOnlyAdmin[LessonLedger]):
    list_display = (
        "lesson_name",
        "teacher_name",
        "took_place",
        "short_state",
        "records",
        "trouble",
    )
    list_filter = (StateNow, "starts_at", PeriodFilter)
    # An order by anything else would sort a million rows.
    sortable_by = ("took_place",)
    search_fields = (
        "lesson_name__found",
        "teacher_name__found",
        "teacher_number__found",
        "lesson_id",
    )
    search_help_text = gettext_lazy(
        "Lesson, teacher's name or number, in the newest 20,000 of these; or a whole id"
    )
    actions = ("persist_now", "settle_lost")

    @admin.display(description=gettext_lazy("time"), ordering="starts_at")
    def took_place(self, row: LessonLedger) -> str:
        starts, ends = timezone.localtime(row.starts_at), timezone.localtime(row.ends_at)
        return f"{time_of_day(starts, 'j M Y, H:i')}–{time_of_day(ends, 'H:i')}"

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def short_state(self, row: LessonLedger) -> Any:
        return SHORT_STATES[LessonState(row.state)]

    @admin.display(description=gettext_lazy("records"), ordering="record_count")
    def records(self, row: LessonLedger) -> str:
        if not row.quarantined_count:
            return str(row.record_count)
        values = {"n": row.record_count, "quarantined": row.quarantined_count}
        return _("%(n)d, %(quarantined)d in quarantine") % values

    @admin.display(description=gettext_lazy("trouble"), ordering="attempts")
    def trouble(self, row: LessonLedger) -> str:
        """The last error and when it is tried again; all of it stands on the page of the row."""
        if not row.last_error:
            return "–"
        error = Truncator(row.last_error).chars(LONGEST_ERROR)
        if row.next_attempt_at is None:
            return error
        again = time_of_day(timezone.localtime(row.next_attempt_at), "j M, H:i")
        return _("%(error)s (tried %(n)d times, again %(again)s)") % {
            "error": error,
            "n": row.attempts,
            "again": again,
        }

    @admin.action(description=gettext_lazy("Persist now"), permissions=["persist"])
    def persist_now(self, request: HttpRequest, queryset: QuerySet[LessonLedger]) -> None:
        """Run the task for the chosen lessons; actions are not in a transaction."""
        report = unified_persistence_task(
            lesson_ids=list(queryset.values_list("lesson_id", flat=True)),
            options=RunOptions(trigger=Trigger.ADMIN),
        )
        level = messages.ERROR if report.exit_status else messages.SUCCESS
        self.message_user(request, runs.in_words(report), level)

    @admin.action(description=gettext_lazy("Settle lost lessons"), permissions=["persist"])
    def settle_lost(self, request: HttpRequest, queryset: QuerySet[LessonLedger]) -> HttpResponse:
        """Ask why: nothing more can come of the chosen lessons."""
        ids = [str(i) for i in queryset.values_list("lesson_id", flat=True)]
        where = reverse("admin:attendance_lessonledger_settle")
        return redirect(f"{where}?{urlencode({'lesson': ids}, doseq=True)}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settle)
        own = [path("settle/", view, name="attendance_lessonledger_settle")]
        return own + super().get_urls()

    def settle(self, request: HttpRequest) -> HttpResponse:
        actor = self.require(request)

        def act(data: dict[str, Any]) -> str:
            try:
                ids = [UUID(text) for text in request.GET.getlist("lesson")]
            except ValueError:
                raise AlarmNotFound from None
            alarms.settle_lost(ids, actor=actor, reason=data["reason"])
            return _("They are settled. They stay lost in the ledger, with your reason.")

        form = ReasonForm(request.POST or None)
        title, above = _("Settle lost lessons"), Place(_("Operations"), reverse("operations"))
        return ask_and_do(request, form, act, title=title, about=[above])

    def has_persist_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.change_lessonledger")


@admin.register(PersistenceRun)
class PersistenceRunAdmin(ReadOnlyAdmin[PersistenceRun]):
    list_display = (
        "started_at",
        "trigger",
        "seconds",
        "lessons",
        "recorded",
        "read",
        "inserted",
        "updated",
        "unchanged",
        "quarantined",
        "failed",
        "is_interrupted",
        "error",
    )
    list_filter = ("trigger", "is_interrupted", "started_at")
    sortable_by = ()
