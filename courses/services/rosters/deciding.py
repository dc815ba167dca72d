"""What a file would do to a section: its rows, and whoever is missing. Pure: no query, no clock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from courses.errors import ContradictoryRow, RosterTooLarge
from courses.services.rosters.plan import Action, Note, PlannedRow, PlannedSection
from courses.services.rosters.reading import RosterRow
from courses.services.rosters.row_decisions import RowDecision, bad, decide_row, planned
from courses.services.rosters.state import Held, SectionState, WantedRows
from courses.vocabulary import MOST_STUDENTS, EnrolmentRole
from users.errors import AttnError
from users.errors import gettext_noop as _
from users.wording import said

REPEATED = _("Line %(line)d says the same.")
NEW_SECTION = _("This section is not known: it would be made in %(term)s.")
NO_TEACHER = _("The file names no teacher, and nobody else does: only staff can start its lessons.")
ENDS_WITHHELD = _(
    "Nobody's enrolment is ended here: a row cannot be read, and may be about anybody."
)


def decide_section(state: SectionState, wanted: WantedRows) -> PlannedSection:
    """What the rows of a file would do to one section, and who is missing in them."""
    held: dict[str, list[Held]] = defaultdict(list)
    for each in state.held:
        held[each.school_number].append(each)
    decided = _decide_rows(state, wanted, held)
    bad_numbers = {d.row.school_number for d in decided if d.row.action is Action.BAD}
    kept = {(d.row.school_number, d.row.role): d.match for d in decided if d.match}
    ends = _missing(state, wanted, kept, wanted.protected | bad_numbers)
    rows = [d.row for d in decided]
    if _students_after(state, [*rows, *ends]) > MOST_STUDENTS:
        error = RosterTooLarge(most=MOST_STUDENTS)
        rows, ends = [bad(row, error) for row in rows], []
    return PlannedSection(
        section_id=state.section_id,
        code=state.code,
        title=state.title,
        enrolled=sum(not each.system and each.is_running(state.today) for each in state.held),
        rows=(*rows, *ends),
        notes=_notes(state, wanted, [*rows, *ends]),
    )


def _decide_rows(
    state: SectionState, wanted: WantedRows, held: Mapping[str, Sequence[Held]]
) -> list[RowDecision]:
    first: dict[tuple[str, str], RosterRow] = {}
    decided = []
    for row in wanted.rows:
        earlier = first.setdefault((row.school_number, row.role), row)
        try:
            if earlier is not row:
                decided.append(RowDecision(_repeated(row, earlier)))
                continue
            _check_both_sides(row, first)
            decided.append(decide_row(row, state, wanted, held.get(row.school_number, ())))
        except AttnError as error:
            decided.append(RowDecision(bad(planned(row, Action.BAD), error)))
    return decided


def _repeated(row: RosterRow, earlier: RosterRow) -> PlannedRow:
    if (row.begins_on, row.ends_on) != (earlier.begins_on, earlier.ends_on):
        raise ContradictoryRow(line=earlier.line)
    return planned(row, Action.UNCHANGED, "repeated", said(REPEATED, line=earlier.line))


def _check_both_sides(row: RosterRow, first: Mapping[tuple[str, str], RosterRow]) -> None:
    """Nobody is on a roster that they mark themselves; an assistant may learn there, too."""
    opposites = {
        EnrolmentRole.STUDENT: EnrolmentRole.TEACHER,
        EnrolmentRole.TEACHER: EnrolmentRole.STUDENT,
    }
    opposite = opposites.get(row.role)
    other = first.get((row.school_number, opposite)) if opposite else None
    if other is not None:
        raise ContradictoryRow(line=other.line)


def _missing(
    state: SectionState,
    wanted: WantedRows,
    kept: Mapping[tuple[str, str], Held],
    protected: frozenset[str],
) -> list[PlannedRow]:
    """Whoever the source does not name any more; never a row of another system."""
    if wanted.withholds_ends or state.is_archived or state.today >= state.ends_on:
        return []
    gone = [
        each
        for each in state.held
        if not each.system
        and each.is_running(state.today)
        and not _is_kept(each, kept.get((each.school_number, each.role)))
        and each.school_number not in protected
        and (wanted.may_teach or each.role == EnrolmentRole.STUDENT)
    ]
    return [
        PlannedRow(
            action=Action.END,
            line=None,
            section=state.code,
            school_number=each.school_number,
            full_name=each.full_name,
            role=each.role,
            begins_on=each.begins_on,
            # On its first day: it never came about.
            ends_on=max(each.begins_on, state.today),
            enrolment_id=each.id,
        )
        for each in sorted(gone, key=lambda each: (each.school_number, each.role))
    ]


def _is_kept(each: Held, match: Held | None) -> bool:
    """Whether a row of the file is about it, or about another account of the same person."""
    return match is not None and (each is match or each.account != match.account)


def _students_after(state: SectionState, rows: Sequence[PlannedRow]) -> int:
    running = sum(h.role == EnrolmentRole.STUDENT and h.is_running(state.today) for h in state.held)
    students = [row for row in rows if row.role == EnrolmentRole.STUDENT]
    created = sum(
        row.action is Action.CREATE and (row.ends_on is None or row.ends_on > state.today)
        for row in students
    )
    ended = sum(row.action is Action.END for row in students)
    # Where nobody is added, a roster that is too large already may shrink.
    return running + created - ended if created else 0


def _notes(state: SectionState, wanted: WantedRows, rows: Sequence[PlannedRow]) -> tuple[Note, ...]:
    notes = []
    if state.section_id is None:
        notes.append(Note("new_section", said(NEW_SECTION, term=state.term)))
    if not _has_teacher(state, rows):
        notes.append(Note("no_teacher", said(NO_TEACHER)))
    if wanted.withholds_ends:
        notes.append(Note("ends_withheld", said(ENDS_WITHHELD)))
    return tuple(notes)


def _has_teacher(state: SectionState, rows: Sequence[PlannedRow]) -> bool:
    """Whether anybody teaches the section once the plan is applied."""
    ended = {row.enrolment_id for row in rows if row.action is Action.END}
    stays = any(
        h.role == EnrolmentRole.TEACHER and h.is_running(state.today) and h.id not in ended
        for h in state.held
    )
    return stays or any(
        row.role == EnrolmentRole.TEACHER and row.action is Action.CREATE for row in rows
    )
