"""Quarantine: look at the raw bytes, retry, correct a copy and replay it, or set it aside."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from attendance.admin.difference import both, difference
from attendance.admin.forms import ReasonForm, ReplayForm
from attendance.errors import RecordExists
from attendance.models import QuarantinedPayload
from attendance.services import quarantine
from attendance.services.quarantine.records import CorrectedCopy, made_out
from attendance.vocabulary import Status
from users.admin_base import ReadOnlyAdmin, ask_and_do
from users.errors import AttnError
from users.identity import Person
from users.wording import in_words

SHOWN_BYTES = 8_192


@admin.register(QuarantinedPayload)
class QuarantinedPayloadAdmin(ReadOnlyAdmin[QuarantinedPayload]):
    list_display = ("found_at", "kind", "field", "lesson_id", "reason", "state")
    list_filter = ("state", "kind", "found_at")
    search_fields = ("field__found", "lesson_id", "reason__found")
    fields = (
        "lesson_id",
        "kind",
        "field",
        "reason",
        "found_at",
        "shown",
        "state",
        "compared",
        "settled_at",
        "settled_by",
        "settled_reason",
    )
    readonly_fields = ("shown", "compared")
    list_select_related = ("settled_by",)
    actions = ("retry_chosen",)
    change_form_template = "admin/attendance/quarantinedpayload/change_form.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        # A list of payloads does not need their bytes.
        return (
            rows
            if request.resolver_match and request.resolver_match.kwargs
            else (rows.defer("payload"))
        )

    @admin.display(description=gettext_lazy("raw bytes, as text"))
    def shown(self, row: QuarantinedPayload) -> str:
        """The raw bytes as text; characters that cannot be printed are written as \\x escapes."""
        raw = bytes(row.payload)
        text = raw[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
        safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
        return safe + ("…" if len(raw) > SHOWN_BYTES else "")

    @admin.display(description=gettext_lazy("raw and corrected"))
    def compared(self, row: QuarantinedPayload) -> str:
        return difference(row)

    @admin.action(description=gettext_lazy("Retry the chosen ones"), permissions=["settle"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[QuarantinedPayload]) -> None:
        """Read each once more; what cannot be read, or has a record in its way, stays open."""
        actor = self.require(request)
        chosen = list(queryset.order_by("pk").values_list("pk", flat=True))
        settled = 0
        for pk in chosen:
            try:
                quarantine.retry_payload(pk, actor=actor)
                settled += 1
            except AttnError as error:
                self.message_user(request, f"{pk}: {in_words(error)}", messages.WARNING)
        told = _("%(settled)d of %(chosen)d payloads could be read and are settled.")
        self.message_user(request, told % {"settled": settled, "chosen": len(chosen)})

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("attendance.change_quarantinedpayload")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/raw/", wrap(self.raw), name="attendance_quarantine_raw"),
            path(
                "<int:pk>/retry/",
                wrap(require_POST(self.retry)),
                name="attendance_quarantine_retry",
            ),
            path("<int:pk>/replay/", wrap(self.replay), name="attendance_quarantine_replay"),
            path(
                "<int:pk>/set-aside/",
                wrap(self.set_aside),
                name="attendance_quarantine_set_aside",
            ),
        ]
        return own + super().get_urls()

    def raw(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request, "view")
        row = get_object_or_404(QuarantinedPayload, pk=pk)
        answer = HttpResponse(bytes(row.payload), content_type="application/octet-stream")
        answer["Content-Disposition"] = f'attachment; filename="payload-{pk}.bin"'
        return answer

    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = self.require(request)
        try:
            quarantine.retry_payload(pk, actor=actor)
            messages.success(request, _("It could be read now and is replayed."))
        except AttnError as error:
            messages.error(request, in_words(error))
        return redirect(_page(pk))

    def replay(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = self.require(request)
        row = get_object_or_404(QuarantinedPayload, pk=pk)
        guess = _guess(row)
        form = ReplayForm(request.POST or None, initial=guess)
        form.begin_at(next((name for name, value in guess.items() if not value), "school_number"))
        form.shown = format_html('<pre class="raw">{}</pre>', self.shown(row))

        def act(data: dict[str, Any]) -> str:
            return _replay(row, form, data, actor)

        title = _("Correct a copy and replay it")
        return ask_and_do(request, form, act, title=title, about=[row])

    def set_aside(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = self.require(request)
        row = get_object_or_404(QuarantinedPayload.objects.defer("payload"), pk=pk)

        def act(data: dict[str, Any]) -> str:
            quarantine.discard_payload(pk, actor=actor, reason=data["reason"])
            return _("The payload is set aside; its bytes stay.")

        form = ReasonForm(request.POST or None)
        return ask_and_do(request, form, act, title=_("Set aside"), about=[row])


def _replay(row: QuarantinedPayload, form: ReplayForm, data: dict[str, Any], actor: Person) -> str:
    """Replay a copy; where a record is in its way, the form shows both and asks."""
    choice, revision = data.pop("choice"), data.pop("seen_revision")
    if choice == ReplayForm.KEEP:
        reason = data["reason"] or _("the record of the register counts")
        quarantine.discard_payload(row.pk, actor=actor, reason=reason)
        return _("The payload is set aside; its bytes stay.")
    copy = CorrectedCopy(**data)
    try:
        if choice == ReplayForm.REPLACE and revision is not None:
            quarantine.replace_with_payload(
                row.pk, corrected=copy, actor=actor, seen_revision=revision
            )
        else:
            quarantine.replay_payload(row.pk, corrected=copy, actor=actor)
    except RecordExists as error:
        record = error.context["record"]
        form.ask(both(record, row, copy), revision=record["revision"])
        raise
    return _("The record is in the register.")


def _guess(row: QuarantinedPayload) -> dict[str, Any]:
    said = made_out(row)
    return {
        "school_number": said.school_number,
        "full_name": said.full_name,
        "status": said.status or Status.PRESENT,
        "checked_in_at": said.checked_in_at,
    }


def _page(pk: int) -> str:
    return reverse("admin:attendance_quarantinedpayload_change", args=[pk])
