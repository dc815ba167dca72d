"""Where the model takes hold of the real code: clock, chance, and the places to stop.

Nothing is replaced: what is wrapped runs as it is, after a stop and a note.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from attendance.errors import LiveStoreUnavailable
from attendance.live import client, codes, store
from attendance.rules import instants
from attendance.services import ids, stored_records
from attendance.services.persistence import failpoints, snapshots
from tests.model.actors import current
from tests.model.rows import read_rows
from tests.support import clock as clocks
from tests.support.clock import Clock

STARTERS = {"starter 1": 2, "starter 2": 3}


@contextmanager
def installed(clock: Clock) -> Iterator[None]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(clocks.installed(clock))
        for step in failpoints.STEPS:
            stack.enter_context(failpoints.installed(step, _stop(step)))

        def now() -> datetime:
            return instants.instant(clock.stopped_at_ms or 0)

        patch.setattr(store, "now", now)
        # Words that PostgreSQL takes have the instant of whoever writes them.
        patch.setattr(stored_records, "timezone", SimpleNamespace(now=now))
        _leave_nothing_to_chance(patch)
        _watch_the_door(patch)
        _note_what_is_read(patch)
        yield


def _leave_nothing_to_chance(patch: pytest.MonkeyPatch) -> None:
    def lesson_id(at: datetime) -> UUID:
        return UUID(f"01900000-0000-7000-8000-{_starter():012}")

    patch.setattr(ids, "new_lesson_id", lesson_id)
    patch.setattr(codes, "new_secret", lambda: f"{_starter():032}")
    patch.setattr(codes, "new_short_code", lambda: "AAA" + codes.LETTERS[_starter()])


def _starter() -> int:
    actor = current()
    return STARTERS.get(actor.name, 1) if actor else 1


def _stop(step: str) -> failpoints.Hook:
    def hook(lesson_ids: Sequence[UUID]) -> None:
        actor = current()
        if actor is None:
            return
        match step:
            case "claimed":
                actor.head = [str(len(lesson_ids))]
            case "before_commit":
                # What the commit will show to everybody: read inside the transaction.
                actor.head.append(_digest(read_rows().canonical))
            case "committed":
                del actor.head[2:]
            case "discarded":
                actor.head = []
        actor.stop_at(step)

    return hook


def _watch_the_door(patch: pytest.MonkeyPatch) -> None:
    """Everything that goes to Redis passes here: a caller may stop before it, or be cut off."""
    run_many, command = client.run_many, client.command

    def scripts(calls: Sequence[client.Call]) -> list[Any]:
        # A single script leaves by a connection that is held, not by `command`.
        _refuse_who_is_cut_off()
        return _noted(calls[0].script, lambda: run_many(calls))

    def commands(work: Callable[[Any], Any], *, key: str = "") -> Any:
        _refuse_who_is_cut_off()
        return command(work, key=key)

    patch.setattr(client, "run_many", scripts)
    patch.setattr(client, "command", commands)


def _refuse_who_is_cut_off() -> None:
    actor = current()
    if actor is not None and actor.is_cut_off:
        raise LiveStoreUnavailable


def _noted(place: str, work: Callable[[], list[Any]]) -> list[Any]:
    actor = current()
    if actor is None or actor.name.startswith("task"):
        return work()
    actor.stop_at(place)
    reply = work()
    actor.head.append(_digest(repr(reply)))
    return reply


def _note_what_is_read(patch: pytest.MonkeyPatch) -> None:
    """What a task has in its head between two steps."""
    take, discard = snapshots.take_snapshots, store.discard_if_unchanged

    def noted_take(lesson_ids: Sequence[UUID], **options: Any) -> snapshots.ChunkSnapshots:
        read = take(lesson_ids, **options)
        actor = current()
        if actor is not None:
            actor.head = [str(len(lesson_ids)), _digest(repr(read))]
        return read

    def noted_discard(
        lessons: Sequence[store.Snapshot], **options: Any
    ) -> dict[UUID, store.DiscardOutcome]:
        done = discard(lessons, **options)
        actor = current()
        if actor is not None:
            actor.head = [_digest(repr(done))]
        return done

    patch.setattr(snapshots, "take_snapshots", noted_take)
    patch.setattr(store, "discard_if_unchanged", noted_discard)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
