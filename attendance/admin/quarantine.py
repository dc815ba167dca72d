"""Quarantine: look at the raw bytes, retry, correct a copy and replay it, or set it aside."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from attendance.admin.difference import difference
from attendance.admin.forms import ReasonForm, ReplayForm
from attendance.errors import RecordExists
from attendance.models import QuarantinedPayload
from attendance.services import quarantine
from attendance.services.quarantine import CorrectedCopy
from attendance.vocabulary import Status
from users.admin_base import ReadOnlyAdmin, ask_and_do
from users.errors import AttnError, gettext_noop
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
        form = ReplayForm(request.POST or None, initial=_guess(row))

        def act(data: dict[str, Any]) -> str:
            revision = data.pop("replace_revision")
            copy = CorrectedCopy(**data)
            if revision is None:
                _replay(pk, copy, actor)
            else:
                quarantine.replace_with_payload(
                    pk, corrected=copy, actor=actor, seen_revision=revision
                )
            return _("The corrected copy is in the register.")

        title = _("Correct a copy and replay it")
        return ask_and_do(request, form, act, title=title, back=_page(pk))

    def set_aside(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = self.require(request)

        def act(data: dict[str, Any]) -> str:
            quarantine.discard_payload(pk, actor=actor, reason=data["reason"])
            return _("The payload is set aside; its bytes stay.")

        form = ReasonForm(request.POST or None)
        return ask_and_do(request, form, act, title=_("Set aside"), back=_page(pk))


def _replay(pk: int, copy: CorrectedCopy, actor: Any) -> None:
    """Replay a copy; where the student has a record, the error describes it."""
    try:
        quarantine.replay_payload(pk, corrected=copy, actor=actor)
    except RecordExists as error:
        record = error.context["record"]
        raise RecordExists(
            gettext_noop(
                "%(name)s has a record already: %(status)s, revision %(revision)s. To replace it, "
                "give that revision."
            ),
            name=record["full_name"],
            status=Status(record["status"]),
            revision=record["revision"],
            record=record,
        ) from None


def _guess(row: QuarantinedPayload) -> dict[str, Any]:
    record = quarantine.readable(row)
    if record is None:
        return {"school_number": row.field, "status": "present"}
    return {
        "school_number": record.school_number,
        "full_name": record.full_name,
        "status": record.status,
        "reason": record.reason,
    }


def _page(pk: int) -> str:
    return reverse("admin:attendance_quarantinedpayload_change", args=[pk])
