"""People across courses by the share that they have missed, with what they may still miss."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.rules.figures import NOTHING, Figures
from attendance.rules.judging import needed_by
from courses.models import Policy, Section
from reports.figures import figures_of_marks, held_weights, needs_marks
from reports.report import Cell, CellKind, ChartPlan, Report, ReportColumn, linked, tenths
from reports.scope import Scope
from reports.sums import SumsRow, figures_of_sums, sums_of_pairs
from reports.vocabulary import JudgementInWords
from users.models import User

_WHOLE: Final = Fraction(1)


def _pairs(scope: Scope) -> QuerySet[Any]:
    if scope.account_ids is not None:
        among = scope.sections("section__") & Q(user__in=scope.account_ids)
    else:
        # By their ids: those of all years are in the same tables.
        running = Section.objects.filter(scope.running_sections()).order_by()
        among = Q(section__in=list(running.values_list("pk", flat=True)))
    return sums_of_pairs(among, at=scope.at)


def _cells(rows: Sequence[SumsRow], _scope: Scope) -> Iterable[Sequence[Cell]]:
    found = Section.objects.select_related("policy").in_bulk({row.section_id for row in rows})
    people = User.objects.only("school_number", "full_name").in_bulk({row.user_id for row in rows})
    rules = {pk: section.policy for pk, section in found.items()}
    held, of_marks = held_weights(rules), _of_marks(rows, rules)
    for row in rows:
        key, section, person = (
            (row.section_id, row.user_id),
            found[row.section_id],
            people.get(row.user_id),
        )
        if person is None:
            # Deleted while this was read.
            continue
        figures = of_marks.get(key) or figures_of_sums(row, section.policy)
        yield [
            _name(person, section),
            person.school_number,
            None if figures.rate is None else _WHOLE - figures.rate,
            tenths(figures.missed),
            *_judged(figures, section.policy, held.get(section.pk, NOTHING)),
            section.code,
            section.title,
            figures.lessons,
            figures.here,
        ]


def _of_marks(
    rows: Sequence[SumsRow], rules: Mapping[int, Policy | None]
) -> dict[tuple[int, int], Figures]:
    """Of those in sections that count days, of which totals know nothing."""
    by_days = {pk: own for pk, own in rules.items() if own is not None and needs_marks(own)}
    people: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.section_id in by_days:
            people[row.section_id].append(row.user_id)
    return figures_of_marks(people, by_days)


def _name(person: User, section: Section) -> str:
    query = urlencode({"section": section.pk, "person": person.school_number})
    return linked(person.full_name, "person", query)


def _judged(figures: Figures, policy: Policy | None, held: Fraction) -> list[Cell]:
    """What may still be missed, and what the rules say; nothing where a course has none."""
    if policy is None:
        return [None, None]
    needed = needed_by(policy)
    ahead = needed.ahead(held)
    standing = JudgementInWords(needed.judge(figures, ahead=ahead).value)
    return [tenths(needed.can_miss(figures, ahead=ahead)), standing]


MISSED: Final = Report(
    key="missed",
    title=_("Share missed"),
    what=_(
        "Everybody in every course that runs today, or in those of a term: who has missed the "
        "largest share comes first."
    ),
    columns=(
        ReportColumn("full_name", _("Name")),
        ReportColumn("school_number", _("Number")),
        ReportColumn("missed_share", _("Share missed"), CellKind.SHARE),
        ReportColumn("missed", _("Missed"), CellKind.NUMBER),
        ReportColumn("can_miss", _("May miss"), CellKind.NUMBER),
        ReportColumn("standing", _("By the rules")),
        ReportColumn("section_code", _("Code")),
        ReportColumn("section_title", _("Course")),
        ReportColumn("lessons", pgettext_lazy("report", "Lessons"), CellKind.NUMBER),
        ReportColumn("here", pgettext_lazy("how many lessons", "Here"), CellKind.NUMBER),
    ),
    query=_pairs,
    order=("missed_parts", "section_id", "user_id"),
    cells=_cells,
    nothing=_("Nothing counts yet in these courses. Choose another term, or show all."),
    chart=ChartPlan(
        share="missed_share",
        named_by=("full_name", "section_title"),
        words=_("Share missed, one bar for each line: from %(least)s to %(most)s."),
    ),
    has_days=False,
)
