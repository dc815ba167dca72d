"""How many examples a property is tried with.

`./attn test` tries a part of them; every other run, `./attn test --all` among them, tries all.
"""

PART_IN_MINUTES = 4
_share = 1


def take_a_part() -> None:
    """What the run of minutes calls before tests are read."""
    global _share  # noqa: PLW0603 - one run, one share
    _share = PART_IN_MINUTES


def of_all(examples: int) -> int:
    """As many of these examples as this run tries."""
    return -(-examples // _share)
