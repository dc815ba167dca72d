"""Browsers that several marks of one lesson came from, as numbers of groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence


def groups_of(flat: Sequence[bytes]) -> dict[str, int]:
    """The group of each school number that shares its browser with another, from 1.

    `flat` is a hash of school numbers and digests, fields and values in turn.
    """
    numbers: dict[bytes, list[str]] = defaultdict(list)
    for field, digest in sorted(zip(flat[::2], flat[1::2], strict=True)):
        numbers[digest].append(field.decode("ascii", "replace"))
    shared = [group for group in numbers.values() if len(group) > 1]
    return {number: i for i, group in enumerate(shared, 1) for number in group}


NONE: Mapping[str, int] = {}
