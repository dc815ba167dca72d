"""Rules under a name: what a section takes over in one step.

A preset says what counts. From when on one is late, a section keeps its own, except where the
preset is about that. docs/explanation/figures.md has an example of each, and so have the tests.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from courses.services.policies import PolicyPlan
from courses.vocabulary import Basis, Counted, ExcusedAs, Preset

_OF_ARRIVALS: Final = (
    "opens_before_s",
    "late_after_s",
    "absent_after_s",
    "min_presence_permille",
)

PRESETS: Final[Mapping[Preset, Mapping[str, Any]]] = {
    Preset.PLAIN: {},
    Preset.TR_THEORY_70: {"counted": Counted.HOURS, "threshold_permille": 700},
    Preset.TR_LAB_80: {"counted": Counted.HOURS, "threshold_permille": 800},
    # These two ask for no share: somebody is told of when nobody has seen them for too long.
    Preset.UK_SPONSOR: {"threshold_permille": 0, "in_a_row": 10, "days_without": 60},
    Preset.US_R2T4: {"threshold_permille": 0, "document_days": 14},
    Preset.US_CHRONIC: {
        "counted": Counted.DAYS,
        "threshold_permille": 900,
        "must_exceed": True,
        "excused_as": ExcusedAs.ABSENT,
        "min_days": 20,
    },
    # How many hours a course has, the section says.
    Preset.AU_80: {"counted": Counted.HOURS, "threshold_permille": 800, "basis": Basis.BEST},
    Preset.ENGLAND_REGISTER: {
        "absent_after_s": 1_800,
        "threshold_permille": 900,
        "must_exceed": True,
        "excused_as": ExcusedAs.ABSENT,
    },
    Preset.HALF_LATE: {"late_credit_permille": 500},
}
"""What each says beside the defaults of a PolicyPlan."""


def plan_of(preset: Preset, *, current: PolicyPlan, planned: int | None = None) -> PolicyPlan:
    """The rules of a section that takes over a preset; `planned` is in the unit that it counts."""
    kept = {name: getattr(current, name) for name in _OF_ARRIVALS}
    said = dict(PRESETS[preset])
    late, absent = kept["late_after_s"], said.get("absent_after_s")
    if late is not None and absent is not None and late > absent:
        kept["late_after_s"] = absent
    return msgspec.structs.replace(PolicyPlan(), **(kept | {"planned": planned} | said))
