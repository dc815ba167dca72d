"""Warnings as cases: who looks after them, what was noted, and how they ended."""

from fractions import Fraction
from typing import Any, Final

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.rules.figures import shown_permille
from reports.asking import ReportFilter, ReportView, ask, check_may_take_files
from reports.errors import InvalidCaseStep, ReportNotFound
from reports.models import CaseStep, FigureWarning
from reports.vocabulary import CaseStepKind, Ending, WarningKind
from users.models import User

ORDER: Final = ("raised_at", "id")
LONGEST_NOTE: Final = 1_000


def cases_of(found: ReportView, *, is_open: bool) -> QuerySet[FigureWarning]:
    """What a reader sees; open is what is neither retracted nor ended by somebody.

    Raises ReportNotFound for a student.
    """
    if found.is_own:
        raise ReportNotFound
    ended = CaseStep.objects.filter(warning=OuterRef("pk"), kind=CaseStepKind.ENDED)
    rows = FigureWarning.objects.alias(is_ended=Exists(ended)).filter(_within(found))
    still = Q(retracted_at=None, is_ended=False)
    steps = Prefetch("steps", CaseStep.objects.select_related("by"))
    return (
        rows.filter(still if is_open else ~still)
        .select_related("section", "user", "policy")
        .prefetch_related(steps)
    )


def _within(found: ReportView) -> Q:
    scope, chosen = found.scope, Q()
    if scope.section_ids is not None:
        chosen &= Q(section__in=scope.section_ids)
    if scope.account_ids is not None:
        chosen &= Q(user__in=scope.account_ids)
    if scope.term_id is not None:
        chosen &= Q(section__term=scope.term_id)
    if scope.component is not None:
        chosen &= Q(section__component=scope.component)
    return chosen


def own_warnings(user_id: int) -> list[FigureWarning]:
    """The open ones of one person, by their root account."""
    rows = FigureWarning.objects.filter(user=user_id, retracted_at=None)
    return list(rows.select_related("section").order_by("-raised_at", "-id"))


def add_step(
    warning_id: int, *, kind: str, actor: User, ending: str = "", text: str = ""
) -> FigureWarning:
    """Say that one looks after a case, note something, or end it.

    Teachers of the course and staff may. Raises ReportNotFound, NotYourSection, InvalidCaseStep.
    """
    warning = FigureWarning.objects.filter(pk=warning_id).first()
    if warning is None:
        raise ReportNotFound
    now = timezone.now()
    found = ask(ReportFilter(section_id=warning.section_id), user=actor, at=now)
    if found.is_own:
        raise ReportNotFound
    check_may_take_files(found)
    text = text.strip()
    _check(kind, ending, text)
    is_end = kind == CaseStepKind.ENDED
    CaseStep.objects.create(
        warning=warning,
        kind=kind,
        by=actor,
        at=now,
        ending=ending if is_end else "",
        text=text,
    )
    return warning


def _check(kind: str, ending: str, text: str) -> None:
    if (
        kind not in CaseStepKind.values
        or (kind == CaseStepKind.ENDED and ending not in Ending.values)
        or (kind == CaseStepKind.NOTED and not text)
        or len(text) > LONGEST_NOTE
        or "\0" in text
    ):
        raise InvalidCaseStep


def said(warning: FigureWarning) -> str:
    """The figures that raised a warning, in one sentence."""
    own: dict[str, Any] = warning.figures
    if warning.kind == WarningKind.SHARE:
        permille = shown_permille(Fraction(own["credit"]) / Fraction(own["weight"]) / 1000)
        here = {"here": own["here"], "n": own["lessons"], "percent": f"{permille / 10:.1f}"}
        return (
            ngettext(
                "Here in %(here)d of %(n)d lesson that counts: %(percent)s %%.",
                "Here in %(here)d of %(n)d lessons that count: %(percent)s %%.",
                own["lessons"],
            )
            % here
        )
    if warning.kind == WarningKind.IN_A_ROW:
        n = own["in_a_row"]
        words = ngettext("Missed %(n)d lesson in a row.", "Missed %(n)d lessons in a row.", n)
        return words % {"n": n}
    if warning.kind == WarningKind.NOT_TAKEN:
        n = own["lessons"]
        words = ngettext(
            "%(n)d register not taken, the last one of %(day)s.",
            "%(n)d registers not taken, the last one of %(day)s.",
            n,
        )
        return words % {"n": n, "day": own["last_on"]}
    if own["last_on"] is None:
        return _("Has not come to any lesson for %(n)d days.") % {"n": own["days"]}
    return _("Last came on %(day)s, %(n)d days before.") % {"day": own["last_on"], "n": own["days"]}
