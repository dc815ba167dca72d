"""What ATTN has of what a roster names: a constant number of queries for any number of rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from courses.errors import AmbiguousSection, NoCurrentTerm, SectionNotFound, TermUnclear
from courses.models import Enrolment, Section, Term
from courses.services.rosters.state import Held, SectionState
from courses.services.systems import CSV
from users.identity import Role
from users.models import FormerNumber, User
from users.reading.cells import fold_case

_PEOPLE_AT_ONCE = 5_000


class KnownPerson(NamedTuple):
    school_number: str
    full_name: str
    role: Role
    is_superuser: bool
    never_signed_in: bool
    """And has no password: a lesson or a roster made this account."""


class SectionIndex:
    """The sections of a term, by code and by the id that their system gave them."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._by_key: dict[str, dict[int, Section]] = defaultdict(dict)
        for section in sections:
            for key in keys_of(section):
                self._by_key[key][section.pk] = section

    def find(self, key: str, *, named: str) -> Section | None:
        """The section that a row means. Raises AmbiguousSection; archived ones count last."""
        found = list(self._by_key.get(key, {}).values())
        kept = [section for section in found if not section.is_archived] or found
        if len(kept) > 1:
            raise AmbiguousSection(count=len(kept), named=named)
        return kept[0] if kept else None


def keys_of(section: Section) -> set[str]:
    """Where a section has no code, its title is one."""
    names = (section.code or section.title, section.sourced_id)
    return {fold_case(name) for name in names if name}


def find_term(title: str, *, at: datetime) -> Term:
    """The term of this title, or the one of today. Raises NoCurrentTerm and TermUnclear."""
    today = timezone.localdate(at)
    wanted = Q(title__iexact=title) if title else Q(starts_on__lte=today, ends_on__gt=today)
    found = list(Term.objects.filter(wanted)[:5])
    if not found:
        raise NoCurrentTerm(day=today)
    if len(found) > 1:
        raise TermUnclear(count=len(found), titles=", ".join(term.title for term in found))
    return found[0]


def sections_in(term: Term) -> SectionIndex:
    return SectionIndex(Section.objects.filter(term=term).select_related("term"))


def find_section(section_id: int) -> Section:
    """Raises SectionNotFound."""
    found = Section.objects.select_related("term").filter(pk=section_id).first()
    if found is None:
        raise SectionNotFound
    return found


def known_people(numbers: Iterable[str]) -> dict[str, KnownPerson]:
    """Whoever has one of these numbers: the root, where accounts were merged, under both.

    Here a number of a file becomes a person; `held_in` knows their enrolments by the
    same number, whichever account has them.
    """
    found = {}
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _PEOPLE_AT_ONCE):
        part = wanted[start : start + _PEOPLE_AT_ONCE]
        users = User.objects.filter(school_number__in=part)
        for user in users.select_related("merged_into").order_by():
            person = _known(user.root)
            found[user.school_number] = found[person.school_number] = person
        had = FormerNumber.objects.filter(number__in=part).select_related("user__merged_into")
        for row in had:
            person = _known(row.user.root)
            found[row.number] = found[person.school_number] = person
    return found


def _known(root: User) -> KnownPerson:
    return KnownPerson(
        school_number=root.school_number,
        full_name=root.full_name,
        role=Role(root.role),
        is_superuser=root.is_superuser,
        never_signed_in=root.last_login is None and not root.has_usable_password(),
    )


def with_zeros(numbers: Iterable[str]) -> dict[str, str]:
    """Of these numbers, those that somebody has with zeros before them, and that number."""
    digits = [number for number in numbers if number.isdigit() and not number.startswith("0")]
    if not digits:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ltrim(school_number, '0'), min(school_number) FROM users_user"
            " WHERE school_number LIKE '0%%'"
            " AND ltrim(school_number, '0') = ANY(string_to_array(%s, ',')) GROUP BY 1",
            [",".join(digits)],
        )
        return dict(cursor.fetchall())


def held_in(section_ids: Sequence[int]) -> dict[int, list[Held]]:
    """The enrolments of each section, of every system, by account, role and first day."""
    rows = (
        Enrolment.objects.came_about()
        .filter(section_id__in=section_ids)
        .order_by("section_id", "user__school_number", "role", "begins_on", "pk")
        .values_list(
            "section_id",
            "id",
            Coalesce("user__merged_into__school_number", "user__school_number"),
            "user__school_number",
            "user__full_name",
            "role",
            "begins_on",
            "ends_on",
            "system__code",
            "system__name",
        )
    )
    found: dict[int, list[Held]] = {section_id: [] for section_id in section_ids}
    for section_id, pk, number, account, full_name, role, first, end, code, name in rows:
        found[section_id].append(
            Held(
                id=pk,
                school_number=number,
                account=account,
                full_name=full_name,
                role=role,
                begins_on=first,
                ends_on=end,
                system="" if code == CSV else name,
            )
        )
    return found


def state_of(section: Section, held: Sequence[Held], *, at: datetime) -> SectionState:
    return SectionState(
        section_id=section.pk,
        code=section.code or section.title,
        title=section.title,
        term=section.term.title,
        starts_on=section.starts_on,
        ends_on=section.ends_on,
        is_archived=section.is_archived,
        today=section.local_date(at),
        held=tuple(held),
    )


def state_of_new(code: str, term: Term, *, today: date) -> SectionState:
    """A section that would be made: as long as its term, on the campus's clock."""
    return SectionState(
        section_id=None,
        code=code,
        title=code,
        term=term.title,
        starts_on=term.starts_on,
        ends_on=term.ends_on,
        is_archived=False,
        today=today,
        held=(),
    )
