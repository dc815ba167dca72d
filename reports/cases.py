"""Warnings as cases: who looks after them, what was noted, and how they ended."""

from typing import Final

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from reports.asking import ReportFilter, ReportView, ask, check_may_take_files
from reports.errors import InvalidCaseStep, ReportNotFound
from reports.models import CaseStep, FigureWarning
from reports.vocabulary import CaseEnding, CaseStepKind
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
    chosen = found.scope.sections("section__")
    if found.scope.account_ids is not None:
        chosen &= Q(user__in=found.scope.account_ids)
    return chosen


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
        or (kind == CaseStepKind.ENDED and ending not in CaseEnding.values)
        or (kind == CaseStepKind.NOTED and not text)
        or len(text) > LONGEST_NOTE
        or "\0" in text
    ):
        raise InvalidCaseStep
