"""The jobs that leave the house, to look at; what was given up can be tried again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from attendance.rules.permissions import MAY_OPERATE
from jobs import keeping, waking
from jobs.models import Job
from users.admin_base import ReadOnlyAdmin


class JobState(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waits")), ("failed", _("given up")), ("done", _("done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        wanted: dict[str | None, dict[str, Any]] = {
            "waiting": {"settled_at": None, "failed_at": None},
            "failed": {"failed_at__isnull": False},
            "done": {"settled_at__isnull": False},
        }
        return queryset.filter(**wanted.get(self.value(), {}))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    list_display = (
        *("enqueued_at", "kind", "attempts", "run_after"),
        *("settled_at", "failed_at", "last_error"),
    )
    list_filter = (JobState, "kind")
    actions = ("try_again",)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return getattr(request.user, "role", None) in MAY_OPERATE

    @admin.action(description=_("Try the chosen ones again now"), permissions=["operate"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Those that were given up, and those that wait for their next try."""
        n = keeping.try_again(queryset)
        waking.wake()
        words = ngettext("%(n)d job is due now.", "%(n)d jobs are due now.", n)
        self.message_user(request, words % {"n": n}, messages.SUCCESS if n else messages.WARNING)
