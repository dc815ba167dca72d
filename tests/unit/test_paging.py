"""Which keys beside the rows of a part can be in it."""

from itertools import product
from uuid import UUID

import pytest

from attendance.selectors.paging import Slice

KEYS = [UUID(int=number) for number in range(7)]
EDGES = [None, *KEYS]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("side", ["before", "after"])
def test_the_keys_within_its_bounds_make_the_part_that_all_of_them_make(
    side: str, limit: int
) -> None:
    """Every way to spread seven lessons over rows, Redis alone and neither, from every edge."""
    for edge, places in product(EDGES, product(["row", "redis", "none"], repeat=len(KEYS))):
        part = Slice(**{side: edge}, limit=limit)
        of_rows = [key for key, place in zip(KEYS, places, strict=True) if place == "row"]
        others = [key for key, place in zip(KEYS, places, strict=True) if place == "redis"]
        held = sorted(filter(part.holds, of_rows), reverse=part.after is None)
        rows = held[: limit + 1]

        near = part.in_order(filter(part.bounds(rows).holds, others))[: limit + 1]

        whole = part.cut([key for key in (*of_rows, *others) if part.holds(key)])
        assert part.cut([*rows, *near]) == whole
