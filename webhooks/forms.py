"""The forms of the pages of endpoints."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from users.admin_base import CleanText
from users.errors import AttnError
from users.wording import in_words
from webhooks.addresses import LONGEST_URL
from webhooks.endpoints import EndpointPlan, check_address
from webhooks.models import LONGEST_ERROR, LONGEST_NAME, WebhookEndpoint
from webhooks.vocabulary import CHOSEN


class EndpointForm(forms.Form):
    name = CleanText(
        label=_("Name"), max_length=LONGEST_NAME, help_text=_("For you: what is behind it.")
    )
    url = forms.CharField(
        label=_("Address"),
        max_length=LONGEST_URL,
        help_text=_("As in https://example.org/hook. It is checked again before each delivery."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(kind.value, kind.value) for kind in CHOSEN],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, endpoint: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._endpoint = endpoint

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = WebhookEndpoint.objects.filter(name=name)
        if self._endpoint is not None:
            others = others.exclude(pk=self._endpoint.pk)
        if others.exists():
            raise forms.ValidationError(_("There is an endpoint of this name."), code="taken")
        return name

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_address(url)
        except AttnError as error:
            raise forms.ValidationError(in_words(error), code=error.code) from None
        return url

    @property
    def plan(self) -> EndpointPlan:
        return EndpointPlan(**self.cleaned_data)


class OffForm(forms.Form):
    reason = CleanText(label=_("Reason"), max_length=LONGEST_ERROR)


class SureForm(forms.Form):
    """Nothing to fill in: what is pressed is meant."""


class SpanForm(forms.Form):
    since = forms.DateTimeField(
        label=_("From"), help_text=_("As in 2026-11-28 08:00, in the time of this site.")
    )
    until = forms.DateTimeField(label=_("Until"), help_text=_("What happened then is left out."))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if isinstance(since, datetime) and isinstance(until, datetime) and until <= since:
            raise forms.ValidationError(_("The end is not after the beginning."), code="backwards")
        return data
