"""The brake of an import: a file that is cut short must not empty a school."""

from courses.errors import TooManyEnds
from courses.services.rosters.plan import RosterPlan

USUAL_ENDS = 10
"""What may always end."""
_OF_A_SECTION, _OF_ALL = 10, 20
"""One of so many may end: 10 % of a section, 5 % of all that the file is about."""
_NAMED = 3


def check_brake(plan: RosterPlan, *, allow_drop: int | None) -> None:
    """Stop a plan that ends more than is usual, or than was allowed. Raises TooManyEnds."""
    ends = plan.ends
    where = [f"{ends}"] if allow_drop is not None else unusual_ends(plan)
    if where and (allow_drop is None or ends > allow_drop):
        raise TooManyEnds(ends=ends, where="; ".join(where))


def unusual_ends(plan: RosterPlan) -> list[str]:
    """Where a plan ends more than is usual, as "PHY-1: 12/40", or nothing."""
    over = [
        f"{section.code}: {section.ends}/{section.enrolled}"
        for section in plan.sections
        if _is_over(section.ends, section.enrolled, _OF_A_SECTION)
    ]
    if len(over) > _NAMED:
        over = [*over[:_NAMED], "…"]
    enrolled = sum(section.enrolled for section in plan.sections)
    is_named = bool(over) and len(plan.sections) == 1
    if _is_over(plan.ends, enrolled, _OF_ALL) and not is_named:
        over.append(f"{plan.ends}/{enrolled}")
    return over


def _is_over(ends: int, enrolled: int, one_of: int) -> bool:
    return ends > USUAL_ENDS and ends * one_of > enrolled
