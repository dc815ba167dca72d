"""The form for the rules of a section, in minutes and percent; the service checks what is typed."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.models import Policy
from courses.services.policies import LARGEST, PolicyPlan
from courses.vocabulary import DAY_SECONDS, Basis, Counted, ExcusedAs, Preset

_HUNDREDTH: Final = Decimal("0.01")
_TENTH: Final = Decimal("0.1")
_OF_ARRIVALS: Final = frozenset({"opens_before", "late_after", "absent_after"})


def _minutes(label: Any, help_text: Any = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(DAY_SECONDS // 60),
        decimal_places=2,
    )


def _percent(label: Any, help_text: Any = "", *, required: bool = True) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        required=required,
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=1,
    )


def _number(label: Any, help_text: Any = "", *, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, required=False, min_value=least, max_value=LARGEST
    )


class PolicyForm(forms.Form):
    opens_before = _minutes(_("Opens before the start (minutes)"))
    late_after = _minutes(_("Late after (minutes)"), _("Empty: nobody is late."))
    absent_after = _minutes(_("Absent after (minutes)"), _("Empty: whoever comes is not absent."))
    late_credit = _percent(_("Worth of late (%)"), _("Of a whole lesson."))
    min_presence = _percent(_("Least presence (%)"), _("Of a lesson, where one checks out."))
    counted = forms.ChoiceField(label=_("Counted by"), choices=Counted.choices)
    threshold = _percent(_("Needed (%)"))
    warn = _percent(_("Warn below (%)"), _("Empty: no warning."), required=False)
    in_a_row = _number(_("Warn after lessons missed in a row"), _("Empty: no warning."))
    days_without = _number(_("Warn after days without a lesson"), _("Empty: no warning."))
    min_lessons = _number(_("Judged from lessons"), _("Earlier nobody is judged."), least=0)
    min_days = _number(_("Judged from days"), _("Earlier nobody is judged."), least=0)
    basis = forms.ChoiceField(label=_("Compared is"), choices=Basis.choices, required=False)
    planned = _number(
        _("Planned for the term"), _("Lessons, hours or days, as they are counted; empty: unknown.")
    )
    must_exceed = forms.BooleanField(
        label=_("The needed share itself is too little"), required=False
    )
    excused_as = forms.ChoiceField(
        label=_("Excused counts as"), choices=ExcusedAs.choices, required=False
    )
    document_days = _number(
        _("Days to write down a last attendance"), _("Empty: nobody writes it down.")
    )

    def of_arrivals(self) -> list[forms.BoundField]:
        """The fields that say when one is late."""
        return [self[name] for name in self.fields if name in _OF_ARRIVALS]

    def of_figures(self) -> list[forms.BoundField]:
        """The fields that say what counts."""
        return [self[name] for name in self.fields if name not in _OF_ARRIVALS]

    def plan(self) -> PolicyPlan:
        data = self.cleaned_data
        return PolicyPlan(
            opens_before_s=_seconds(data["opens_before"]) or 0,
            late_after_s=_seconds(data["late_after"]),
            absent_after_s=_seconds(data["absent_after"]),
            late_credit_permille=_permille(data["late_credit"]) or 0,
            min_presence_permille=_permille(data["min_presence"]) or 0,
            counted=Counted(data["counted"]),
            threshold_permille=_permille(data["threshold"]) or 0,
            warn_permille=_permille(data["warn"]),
            in_a_row=data["in_a_row"],
            days_without=data["days_without"],
            min_lessons=data["min_lessons"] or 0,
            min_days=data["min_days"] or 0,
            basis=Basis(data["basis"] or Basis.RATE),
            planned=data["planned"],
            must_exceed=data["must_exceed"],
            excused_as=ExcusedAs(data["excused_as"] or ExcusedAs.REASON),
            document_days=data["document_days"],
        )


class PresetForm(forms.Form):
    preset = forms.ChoiceField(label=_("Preset"), choices=Preset.choices)
    planned = _number(
        _("Planned for the term"), _("Lessons, hours or days, as they are counted; empty: unknown.")
    )


def initial_policy(policy: Policy | PolicyPlan | None) -> dict[str, Any]:
    """What the form shows first: the rules as they are, or those of a section without any."""
    rules: Policy | PolicyPlan = policy or PolicyPlan()
    return {
        "opens_before": _in_minutes(rules.opens_before_s),
        "late_after": _in_minutes(rules.late_after_s),
        "absent_after": _in_minutes(rules.absent_after_s),
        "late_credit": _in_percent(rules.late_credit_permille),
        "min_presence": _in_percent(rules.min_presence_permille),
        "counted": rules.counted,
        "threshold": _in_percent(rules.threshold_permille),
        "warn": _in_percent(rules.warn_permille),
        "in_a_row": rules.in_a_row,
        "days_without": rules.days_without,
        "min_lessons": rules.min_lessons,
        "min_days": rules.min_days,
        "basis": rules.basis,
        "planned": rules.planned,
        "must_exceed": rules.must_exceed,
        "excused_as": rules.excused_as,
        "document_days": rules.document_days,
    }


def _seconds(minutes: Decimal | None) -> int | None:
    return None if minutes is None else round(minutes * 60)


def _permille(percent: Decimal | None) -> int | None:
    return None if percent is None else round(percent * 10)


def _in_minutes(seconds: int | None) -> Decimal | None:
    return None if seconds is None else _plain((Decimal(seconds) / 60).quantize(_HUNDREDTH))


def _in_percent(permille: int | None) -> Decimal | None:
    return None if permille is None else _plain((Decimal(permille) / 10).quantize(_TENTH))


def _plain(number: Decimal) -> Decimal:
    """Without zeros behind the point: 10 and not 10.00."""
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()
