"""What one row of a roster would do to a section.

An enrolment that ATTN has keeps its history. Its first day stays once it has come; an
end that has come stays; whoever is back gets a new row. What a file may change is an
end that has not come yet, and what is still wholly ahead.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from courses.errors import (
    EnrolledElsewhere,
    EnrolmentOverlaps,
    InvalidDates,
    RoleNeedsStaff,
    SectionArchived,
)
from courses.services.rosters.plan import Action, PlannedRow
from courses.services.rosters.reading import RosterRow
from courses.services.rosters.state import Held, SectionState, WantedRows
from courses.services.validation import check_days, check_lies_within, check_years
from courses.vocabulary import EnrolmentRole
from users.errors import AttnError
from users.errors import gettext_noop as _
from users.wording import in_words, said

FIRST_DAY_KEPT = _("The enrolment that is there keeps its first day, %(first)s.")
HISTORY_KEPT = _("The enrolment that is there has ended on %(end)s; that stays.")
BACK_AGAIN = _("An earlier enrolment ended on %(end)s; a new one begins.")
HELD_ELSEWHERE = _("%(system)s has this person in this role already.")


class RowDecision(NamedTuple):
    row: PlannedRow
    match: Held | None = None


def decide_row(
    row: RosterRow, state: SectionState, wanted: WantedRows, held: Sequence[Held]
) -> RowDecision:
    """What a row does to the enrolments of its person. Raises what makes it a bad row."""
    if state.is_archived:
        raise SectionArchived
    check_years(*(day for day in (row.begins_on, row.ends_on) if day))
    same_role = [each for each in held if each.role == row.role]
    match = _match(row, [each for each in same_role if not each.system], state.today)
    if match is not None:
        return RowDecision(_compare(row, match, state, wanted, same_role), match)
    if row.role != EnrolmentRole.STUDENT:
        other = next((h for h in same_role if h.meets(row.begins_on, row.ends_on)), None)
        if other is not None and other.system:
            words = said(HELD_ELSEWHERE, system=other.system)
            return RowDecision(planned(row, Action.UNCHANGED, "held_elsewhere", words))
        if not wanted.may_teach:
            raise RoleNeedsStaff
    return RowDecision(_create(row, state, same_role))


def _match(row: RosterRow, own: Sequence[Held], today: date) -> Held | None:
    """The enrolment that a row is about: one that runs, else one that is over as the row is."""
    same_day = [each for each in own if each.begins_on == row.begins_on]
    is_over = row.ends_on is not None and row.ends_on <= today
    if is_over and same_day:
        return same_day[0]
    running = [h for h in own if h.is_running(today) and h.meets(row.begins_on, row.ends_on)]
    if running:
        return next((each for each in running if each in same_day), running[0])
    if is_over and row.begins_on is None:
        return next((each for each in own if each.ends_on == row.ends_on), None)
    return None


def _compare(
    row: RosterRow,
    match: Held,
    state: SectionState,
    wanted: WantedRows,
    same_role: Sequence[Held],
) -> PlannedRow:
    """What a row changes of an enrolment that is there."""
    begins_on, ends_on = match.begins_on, row.ends_on if wanted.says_end else match.ends_on
    is_ahead = match.begins_on > state.today
    if is_ahead and row.begins_on is not None and row.begins_on >= state.today:
        begins_on = row.begins_on
    if not match.is_running(state.today):
        differs = wanted.says_end and row.ends_on != match.ends_on
        words = said(HISTORY_KEPT, end=match.ends_on) if differs else ""
        return _kept(row, match, "history_kept" if differs else "", words)
    moved = row.begins_on is not None and row.begins_on != begins_on
    code = "first_day_kept" if moved else ""
    words = said(FIRST_DAY_KEPT, first=begins_on) if moved else ""
    if (begins_on, ends_on) == (match.begins_on, match.ends_on):
        return _kept(row, match, code, words)
    if row.role != EnrolmentRole.STUDENT and not wanted.may_teach:
        raise RoleNeedsStaff
    _check_within(begins_on, ends_on, state)
    others = [h for h in same_role if h is not match and h.account == match.account]
    _check_free(row, begins_on, ends_on, others)
    is_end = ends_on is not None and ends_on <= max(state.today, begins_on)
    action = Action.END if is_end else Action.UPDATE
    return planned(
        row,
        action,
        code,
        words,
        begins_on=begins_on,
        ends_on=ends_on,
        enrolment_id=match.id,
    )


def _create(row: RosterRow, state: SectionState, same_role: Sequence[Held]) -> PlannedRow:
    begins_on = row.begins_on or max(state.today, state.starts_on)
    code, words = "", ""
    is_over = row.ends_on is not None and row.ends_on <= state.today
    earlier = [h for h in same_role if not h.system and h.meets(begins_on, row.ends_on)]
    if earlier and not is_over:
        # They were ended meanwhile: the days between stay free.
        begins_on = max(state.today, begins_on)
        code, words = "back_again", said(BACK_AGAIN, end=earlier[-1].ends_on)
    _check_within(begins_on, row.ends_on, state)
    check_days(begins_on, row.ends_on or state.ends_on)
    _check_free(row, begins_on, row.ends_on, same_role)
    return planned(row, Action.CREATE, code, words, begins_on=begins_on)


def _check_within(begins_on: date, ends_on: date | None, state: SectionState) -> None:
    end = state.ends_on if ends_on is None else ends_on
    if end < begins_on:
        raise InvalidDates(
            _("The end, %(end)s, is before the first day, %(first)s. Choose a later end."),
            end=end,
            first=begins_on,
        )
    check_lies_within(begins_on, end, outer=(state.starts_on, state.ends_on))


def _check_free(
    row: RosterRow, begins_on: date, ends_on: date | None, others: Iterable[Held]
) -> None:
    """A student is enrolled once a day, whichever system says so."""
    if row.role != EnrolmentRole.STUDENT or begins_on == ends_on:
        return
    for other in others:
        if other.meets(begins_on, ends_on):
            if not other.system:
                raise EnrolmentOverlaps
            raise EnrolledElsewhere(
                system=other.system, first=other.begins_on, end=other.ends_on or "…"
            )


def planned(
    row: RosterRow,
    action: Action,
    code: str = "",
    detail: str = "",
    *,
    begins_on: date | None = None,
    ends_on: date | None = None,
    enrolment_id: int | None = None,
) -> PlannedRow:
    return PlannedRow(
        action=action,
        line=row.line,
        section=row.section,
        school_number=row.school_number,
        full_name=row.full_name,
        role=row.role.value,
        begins_on=begins_on or row.begins_on,
        ends_on=ends_on if enrolment_id else row.ends_on,
        enrolment_id=enrolment_id,
        code=code,
        detail=detail,
    )


def _kept(row: RosterRow, match: Held, code: str, detail: str) -> PlannedRow:
    return planned(
        row,
        Action.UNCHANGED,
        code,
        detail,
        begins_on=match.begins_on,
        ends_on=match.ends_on,
        enrolment_id=match.id,
    )


def bad(row: PlannedRow, error: AttnError) -> PlannedRow:
    return PlannedRow(
        action=Action.BAD,
        line=row.line,
        section=row.section,
        school_number=row.school_number,
        full_name=row.full_name,
        role=row.role,
        begins_on=row.begins_on,
        ends_on=row.ends_on,
        code=error.code,
        detail=in_words(error),
    )
