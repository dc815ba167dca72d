"""Pages of endpoints and their deliveries, for staff."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from users.admin_base import ReadOnlyAdmin, ask_and_do, trail_to
from users.errors import AttnError
from users.wording import in_words
from webhooks import endpoints
from webhooks.forms import EndpointForm, OffForm, SpanForm, SureForm
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.sending import body_of
from webhooks.vocabulary import CHOSEN


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin[WebhookEndpoint]):
    list_display = ("name", "url", "is_active", "disabled_at", "why_off")
    list_filter = ("is_active",)
    fields = (
        *("name", "url", "chosen", "added_at", "is_active"),
        *("disabled_at", "why_off", "previous_until"),
    )
    readonly_fields = ("chosen", "why_off")
    change_list_template = "admin/webhooks/webhookendpoint/change_list.html"
    change_form_template = "admin/webhooks/webhookendpoint/change_form.html"

    @admin.display(description=gettext_lazy("events"))
    def chosen(self, row: WebhookEndpoint) -> str:
        return ", ".join(row.kinds)

    @admin.display(description=gettext_lazy("why it is off"))
    def why_off(self, row: WebhookEndpoint) -> str:
        # Words of ours are in the catalogue; what staff have typed is not, and stays.
        return _(row.disabled_reason) if row.disabled_reason else ""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.add), name="webhooks_add"),
            path("<int:pk>/edit/", wrap(self.edit), name="webhooks_edit"),
            path("<int:pk>/secret/", wrap(self.rotate), name="webhooks_rotate"),
            path("<int:pk>/off/", wrap(self.switch_off), name="webhooks_off"),
            path("<int:pk>/on/", wrap(require_POST(self.switch_on)), name="webhooks_on"),
            path("<int:pk>/remove/", wrap(self.remove), name="webhooks_remove"),
            path("<int:pk>/ping/", wrap(require_POST(self.ping)), name="webhooks_ping"),
            path("<int:pk>/replay/", wrap(self.replay), name="webhooks_replay"),
        ]
        return own + super().get_urls()

    def add(self, request: HttpRequest) -> HttpResponse:
        self.require(request)
        form = EndpointForm(request.POST or None, initial={"kinds": [k.value for k in CHOSEN]})
        if request.method == "POST" and form.is_valid():
            endpoint, secret = endpoints.add_endpoint(form.plan)
            return self._show(request, endpoint, secret)
        # Saved above: what is left is to ask, and to say what is wrong.
        title, nothing = _("Add an endpoint"), lambda data: ""
        return ask_and_do(request, form, nothing, title=title, about=[WebhookEndpoint])

    def edit(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        row = get_object_or_404(WebhookEndpoint, pk=pk)
        now = {"name": row.name, "url": row.url, "kinds": row.kinds}
        form = EndpointForm(request.POST or None, initial=now, endpoint=row)

        def act(data: dict[str, Any]) -> str:
            endpoints.change_endpoint(row, form.plan)
            return _("The endpoint is changed.")

        return ask_and_do(request, form, act, title=_("Change the endpoint"), about=[row])

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A former secret that is still in use ends at once where this is pressed twice."""
        self.require(request)
        row = get_object_or_404(WebhookEndpoint, pk=pk)
        if request.method == "POST":
            return self._show(request, row, endpoints.rotate_secret(row))
        title = _("Make a new secret: the present one signs beside it for 24 hours")
        return ask_and_do(request, SureForm(), lambda data: "", title=title, about=[row])

    def switch_off(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        row = get_object_or_404(WebhookEndpoint, pk=pk)

        def act(data: dict[str, Any]) -> str:
            endpoints.switch_off(row, reason=data["reason"])
            return _("It is off. Events that happen meanwhile are kept for 30 days.")

        form = OffForm(request.POST or None)
        return ask_and_do(request, form, act, title=_("Switch the endpoint off"), about=[row])

    def switch_on(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        endpoints.switch_on(get_object_or_404(WebhookEndpoint, pk=pk))
        messages.success(request, _("It is on. What it has missed can be sent again."))
        return redirect(_page(pk))

    def remove(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        row = get_object_or_404(WebhookEndpoint, pk=pk)
        if request.method == "POST":
            endpoints.remove_endpoint(row)
            messages.success(request, _("The endpoint %(name)s is removed.") % {"name": row.name})
            return redirect("admin:webhooks_webhookendpoint_changelist")
        title = _("Remove the endpoint, and what is known of its deliveries")
        return ask_and_do(
            request, SureForm(), lambda data: "", title=title, about=[row], submit=_("Remove")
        )

    def ping(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        try:
            event = endpoints.send_ping(get_object_or_404(WebhookEndpoint, pk=pk))
        except AttnError as error:
            messages.error(request, in_words(error))
            return redirect(_page(pk))
        messages.success(
            request, _("A ping is on its way. Load this page again to see the answer.")
        )
        return redirect("admin:webhooks_delivery_change", event.deliveries.get().pk)

    def replay(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        row = get_object_or_404(WebhookEndpoint, pk=pk)

        def act(data: dict[str, Any]) -> str:
            return _sent_again(endpoints.replay(row, since=data["since"], until=data["until"]))

        form = SpanForm(request.POST or None)
        return ask_and_do(request, form, act, title=_("Send events again"), about=[row])

    def _show(self, request: HttpRequest, row: WebhookEndpoint, secret: str) -> HttpResponse:
        """The secret, in the answer to the POST that made it and nowhere else."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The secret of %(name)s") % {"name": row.name},
            "trail": trail_to(row),
            "secret": secret,
            "back": _page(row.pk),
        }
        return TemplateResponse(request, "admin/webhooks/secret.html", context)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    list_display = (
        *("happened_at", "kind", "endpoint", "state", "tries", "last_status", "last_at"),
        "message_id",
    )
    list_filter = ("state", "endpoint", "event__kind")
    list_select_related = ("event", "endpoint")
    search_fields = ("event__message_id",)
    fields = (
        *("happened_at", "kind", "message_id", "endpoint", "body", "state"),
        *("round", "tries", "attempts"),
    )
    readonly_fields = ("happened_at", "kind", "message_id", "body", "attempts")
    actions = ("send_again",)

    @admin.display(description=gettext_lazy("happened at"), ordering="event__happened_at")
    def happened_at(self, row: Delivery) -> Any:
        return row.event.happened_at

    @admin.display(description=gettext_lazy("event"))
    def kind(self, row: Delivery) -> str:
        return row.event.kind

    @admin.display(description="webhook-id")
    def message_id(self, row: Delivery) -> str:
        return row.event.message_id

    @admin.display(description=gettext_lazy("body"))
    def body(self, row: Delivery) -> str:
        return format_html('<pre class="raw">{}</pre>', body_of(row.event).decode())

    @admin.display(description=gettext_lazy("each attempt"))
    def attempts(self, row: Delivery) -> str:
        """The newest first: what was answered, and how long it took."""
        lines = (
            (localize(localtime(each.at)), each.status or "–", each.milliseconds, _why(each.error))
            for each in row.attempts.all()
        )
        return format_html_join("", "<div>{} · {} · {} ms {}</div>", lines)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_delivery")

    @admin.action(
        description=gettext_lazy("Send the chosen ones again now"), permissions=["operate"]
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        n = endpoints.send_again(queryset)
        level = messages.SUCCESS if n else messages.WARNING
        self.message_user(request, _sent_again(n), level)


def _why(error: str) -> str:
    return f"· {_(error)}" if error else ""


def _sent_again(n: int) -> str:
    words = ngettext("%(n)d delivery is on its way.", "%(n)d deliveries are on their way.", n)
    return words % {"n": n}


def _page(pk: int) -> str:
    return reverse("admin:webhooks_webhookendpoint_change", args=[pk])
