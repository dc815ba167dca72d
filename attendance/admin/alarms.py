"""The books of alarms: what was on, from when to when, and who has said what of it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from attendance.admin.forms import ReasonForm
from attendance.models import AlarmAcknowledgement, AlarmEpisode
from attendance.services import alarms
from users.admin_base import Place, ReadOnlyAdmin, ask_and_do


@admin.register(AlarmEpisode)
class AlarmEpisodeAdmin(ReadOnlyAdmin[AlarmEpisode]):
    list_display = ("code", "subject", "cause", "began_at", "ended_at")
    list_filter = ("code", "began_at", "ended_at")
    search_fields = ("code__found", "subject__found", "cause__found")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.acknowledge)
        own = [path("acknowledge/", view, name="attendance_alarmepisode_acknowledge")]
        return own + super().get_urls()

    def acknowledge(self, request: HttpRequest) -> HttpResponse:
        """Say why an alarm may stay; the page that has shown it names it, with its cause."""
        actor = self.require(request)

        def act(data: dict[str, Any]) -> str:
            alarms.acknowledge(
                request.GET.get("code", ""),
                request.GET.get("subject", ""),
                cause=request.GET.get("cause"),
                actor=actor,
                reason=data["reason"],
            )
            return _("The alarm is acknowledged. It is listed until its cause ends.")

        form = ReasonForm(request.POST or None)
        title, above = _("Acknowledge an alarm"), Place(_("Operations"), reverse("operations"))
        return ask_and_do(request, form, act, title=title, about=[above])


@admin.register(AlarmAcknowledgement)
class AlarmAcknowledgementAdmin(ReadOnlyAdmin[AlarmAcknowledgement]):
    list_display = ("episode", "actor_name", "acknowledged_at", "reason")
    list_filter = ("acknowledged_at", "episode__code")
    list_select_related = ("episode",)
    search_fields = ("actor_name__found", "reason__found", "episode__subject__found")
