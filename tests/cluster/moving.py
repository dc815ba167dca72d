"""Moving a slot from one server to another while it is in use: step by step, or at once."""

from collections.abc import Iterator
from enum import StrEnum

import pytest
import redis
from redis.crc import key_slot

from tests.support.cluster_nodes import Cluster, Node, own_slots, wait_until

MOST_KEYS, MILLISECONDS = 100, 5_000


class Step(StrEnum):
    OPENED = "opened"
    """Both servers know that the slot is being moved; its keys are where they were."""
    SPLIT = "split"
    """One more key has moved."""
    EMPTIED = "emptied"
    """All keys have moved; the slot is not given over."""
    MOVED = "moved"


def move_slot(cluster: Cluster, key: str) -> Iterator[Step]:
    """Move the slot of a key, its keys one by one; yields after each step."""
    slot = key_slot(key.encode())
    source = cluster.holder_of(key)
    target = cluster.other_than(source)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", name_of(source))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", name_of(target))
    yield Step.OPENED
    while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, MOST_KEYS):
        source.ask("MIGRATE", "127.0.0.1", target.port, keys[0], 0, MILLISECONDS)
        yield Step.EMPTIED if len(keys) == 1 else Step.SPLIT
    # The new holder first: otherwise both could believe that the other one has it.
    for node in (target, source, *cluster.nodes):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", name_of(target))
    yield Step.MOVED


def move_slot_at_once(cluster: Cluster, key: str) -> None:
    """Move the slot of a key as Valkey 9 does it: in one piece, behind the scripts' back."""
    slot = key_slot(key.encode())
    source = cluster.holder_of(key)
    target = cluster.other_than(source)
    try:
        source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name_of(target))
    except redis.exceptions.ResponseError as error:
        if "unknown subcommand" in str(error).lower():
            pytest.skip("This server moves slots key by key: Valkey 9 is the first that does not.")
        raise
    wait_until(
        # For a moment both say that it is theirs; the old holder answers nobody then.
        lambda: slot in own_slots(target) and slot not in own_slots(source),
        "the slot does not move",
    )


def name_of(node: Node) -> str:
    return str(node.ask("CLUSTER", "MYID").decode())
