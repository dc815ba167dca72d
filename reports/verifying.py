"""Comparing all totals with the marks that they are of: by hand, and once a day."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from reports import statements
from reports.models import TotalsCheck
from reports.totals import recompute_sections

SECTIONS_AT_ONCE: Final = 50
"""So that a statement is short, and a repair holds few locks."""
PERIOD: Final = timedelta(days=1)
CHECKS_KEPT: Final = timedelta(days=90)
MOST_NAMED: Final = 100
_TURN: Final = "attn.totals.check"


class WrongTotal(NamedTuple):
    section_id: int
    user_id: int


class Verified(NamedTuple):
    pairs: int
    """People in sections, each section for itself."""
    wrong: Sequence[WrongTotal]
    """Whose totals were not what their marks add up to."""
    repaired: int


def verify(*, repair: bool = False) -> Verified:
    """Compare every total with the marks; `repair` adds up anew what differs.

    It is written down, for the page of operations. Nothing else is changed without `repair`.
    """
    started, pairs, repaired = monotonic(), 0, 0
    wrong: list[WrongTotal] = []
    for section_ids in _sections():
        n, found = compare(section_ids)
        pairs += n
        wrong += found
        if repair and found:
            repaired += _repair(sorted({each.section_id for each in found}), len(found))
    TotalsCheck.objects.create(
        checked_at=timezone.now(),
        seconds=monotonic() - started,
        pairs=pairs,
        wrong=len(wrong),
        repaired=repaired,
    )
    return Verified(pairs, wrong, repaired)


def compare(section_ids: Sequence[int]) -> tuple[int, list[WrongTotal]]:
    """How many people have totals or marks in these sections, and whose totals are wrong."""
    with connection.cursor() as cursor:
        cursor.execute(statements.COMPARE, {"sections": list(section_ids)})
        pairs, wrong = cursor.fetchone()
    return pairs, [WrongTotal(*map(int, each.split())) for each in wrong]


def verify_daily(*, now: datetime) -> Verified | None:
    """Verify where nobody has for a day; None where somebody has, or does it just now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [_TURN])
        if not cursor.fetchone()[0]:
            return None
        newest = TotalsCheck.objects.first()
        # A clock that was put back makes no check of tomorrow the last one for ever.
        if newest is not None and abs(now - newest.checked_at) < PERIOD:
            return None
        found = verify()
        TotalsCheck.objects.filter(checked_at__lt=now - CHECKS_KEPT).delete()
        return found


def _sections() -> Iterator[list[int]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            values = {"after": after, "limit": SECTIONS_AT_ONCE}
            cursor.execute(statements.SECTIONS, values)
            found = [row[0] for row in cursor.fetchall()]
        if not found:
            return
        yield found
        after = found[-1]


def _repair(section_ids: Sequence[int], wrong: int) -> int:
    """Returns how many of the wrong ones are right now."""
    with transaction.atomic():
        recompute_sections(section_ids)
    still = compare(section_ids)[1]
    return wrong - min(wrong, len(still))
