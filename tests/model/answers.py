"""What may come of a run or a request, and what nobody may ever be answered with."""

from typing import TYPE_CHECKING

from django.db import IntegrityError

from attendance.errors import AttendanceError, LiveStoreClock, LiveStoreUnavailable
from attendance.services.persistence.report import Outcome, PersistenceReport
from tests.model.actors import Actor, Ended
from tests.model.memory import RequestUnderWay

if TYPE_CHECKING:
    from tests.model.world import World

SITE = "site"
"""The actor that compares what the process of the site has acknowledged."""


class Broken(Exception):
    """Something that no run may answer."""


def is_refused(world: "World", ended: Ended) -> bool:
    """Whether a run of ours found a Redis that another site had taken while it was empty."""
    was_empty = bool(world.others) and world.memory.is_rewound
    return was_empty and ended.error is None and "another site" in ended.result.unavailable


def may_be_refused(
    world: "World", call: RequestUnderWay, actor: Actor, error: BaseException
) -> bool:
    if isinstance(error, LiveStoreClock):
        # Before what the lesson was stamped with; nobody is told that anything was taken.
        return "clock is set back" in world.memory.used
    if isinstance(error, IntegrityError):
        return call.action.startswith("give away")
    is_unavailable = isinstance(error, LiveStoreUnavailable)
    return isinstance(error, AttendanceError) and (actor.is_cut_off or not is_unavailable)


def is_of_the_site(actor: Actor, ended: Ended) -> bool:
    """Whether the process of the site has compared; raises Broken where it could not."""
    if actor.name != SITE:
        return False
    if ended.error is not None:
        raise Broken(f"the site looks: {ended.error!r}")
    return True


def check_report(ended: Ended) -> None:
    """A task may find a lesson lost, rewound or busy; it may never fail."""
    if ended.error is not None:
        raise Broken(f"the task: {ended.error!r}")
    report: PersistenceReport = ended.result
    if report.unavailable or not report.sums_agree:
        raise Broken(f"the task: {report}")
    failed = [x for x in report.lessons if x.outcome in {Outcome.FAILED, Outcome.QUARANTINED}]
    if failed:
        raise Broken(f"the task: {failed[0].error}")
