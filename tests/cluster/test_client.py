"""What the connection to a cluster does that one server does not need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from django.core.checks import run_checks
from django.test import Client
from pytest_django.fixtures import Settings
from redis.client import Pipeline
from redis.crc import key_slot

from attendance.errors import LiveStoreUnavailable
from attendance.live import client, keys, store
from attendance.live.payloads import LiveLesson
from attendance.services.check_in import check_in
from attendance.services.persistence import unified_persistence_task
from tests.cluster.lessons import lessons_everywhere
from tests.cluster.moving import Step, move_slot
from tests.support.cluster_nodes import Cluster, wait_until
from tests.support.lessons import ended_lessons, redis_state, sealed_record, student

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_cluster")]


def calls_of(cluster: Cluster, command: str) -> list[int]:
    """How often each server has executed a command."""
    told = [node.client().info("commandstats") for node in cluster.nodes]
    return [one.get(f"cmdstat_{command}", {"calls": 0})["calls"] for one in told]


def test_many_lessons_are_read_in_one_round_trip_to_each_server(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, trips, real = list(lessons_everywhere(cluster, on_each=2)), [], Pipeline.execute
    store.read_lessons(ids)  # Each server knows the script now.

    def execute(pipe: Any, *args: Any, **options: Any) -> Any:
        trips.append(len(pipe.command_stack))
        return real(pipe, *args, **options)

    monkeypatch.setattr(Pipeline, "execute", execute)
    found = store.read_lessons([*ids, uuid4()])

    assert (len(trips), sum(trips)) == (3, len(ids) + 1)
    # Each reply belongs to its call: an envelope is sealed with the id of its lesson.
    assert [getattr(found[i], "id", None) for i in found] == [*ids, None]


def test_a_student_is_looked_for_on_every_server_and_by_slots(cluster: Cluster) -> None:
    ids = list(lessons_everywhere(cluster, on_each=2, students=1))
    # Hardly any two lessons share a slot: these do, and one run of the script reads both.
    one, other = sharing_a_slot()
    for lesson_id in (one, other):
        json = b'{"school_number":"S-0001","full_name":"A","source":"student"}'
        client.connection().hset(
            keys.records(lesson_id), "S-0001", sealed_record(lesson_id, "S-0001", json)
        )
    due = {str(lesson_id): 0 for lesson_id in (one, uuid4(), other)}
    client.connection().zadd(keys.DUE, due)
    store.find_records_of(["S-0001"])  # Each server knows the script now.
    before = sum(calls_of(cluster, "evalsha"))

    found = store.find_records_of(["S-9", "S-0001"])

    assert set(found) == {one, *ids, other}
    assert sum(calls_of(cluster, "evalsha")) - before == len(due) + len(ids) - 1


def sharing_a_slot() -> tuple[UUID, UUID]:
    seen: dict[int, UUID] = {}
    while True:
        lesson_id = uuid4()
        slot = key_slot(keys.records(lesson_id).encode())
        if slot in seen:
            return seen[slot], lesson_id
        seen[slot] = lesson_id


def test_each_server_holds_lessons_and_each_lesson_is_on_one(cluster: Cluster) -> None:
    lessons_everywhere(cluster)

    held = [
        {key.partition(b"}")[0] for key in cast(list[bytes], server.keys("attn:{*"))}
        for server in client.servers()
    ]

    assert all(held)
    assert sum(len(each) for each in held) == len(set().union(*held))


def test_a_server_that_does_not_know_the_scripts_is_told_them(cluster: Cluster) -> None:
    ids = list(lessons_everywhere(cluster, on_each=2, students=1))

    cluster.nodes[1].client().script_flush()
    assert all(isinstance(each, LiveLesson) for each in store.read_lessons(ids).values())
    for node in cluster.nodes:
        node.client().script_flush()
        for lesson_id in ids:
            assert check_in(lesson_id, student=student(1)).is_repeated


def test_many_are_read_while_one_of_them_moves(cluster: Cluster) -> None:
    ids = list(lessons_everywhere(cluster, on_each=2, students=1))
    before = redis_state().keys()

    for step in move_slot(cluster, keys.lesson(ids[0])):
        if step is Step.SPLIT:
            # Half of it is here and half there: nothing was executed, so nothing is said.
            with pytest.raises(LiveStoreUnavailable):
                store.read_lessons(ids)
        else:
            assert all(isinstance(each, LiveLesson) for each in store.read_lessons(ids).values())

    assert redis_state().keys() == before


def test_the_clock_is_that_of_the_server_that_holds_due(cluster: Cluster) -> None:
    before = calls_of(cluster, "time")

    store.now()

    more = [now - then for now, then in zip(calls_of(cluster, "time"), before, strict=True)]
    assert more == [int(node is cluster.holder_of(keys.DUE)) for node in cluster.nodes]


def test_a_cluster_of_which_no_server_answers_is_unavailable(settings: Settings) -> None:
    settings.LIVE_STORE_NODES = ("redis://127.0.0.1:1/0", "redis://127.0.0.1:2/0")

    with pytest.raises(LiveStoreUnavailable):
        store.now()
    with pytest.raises(LiveStoreUnavailable):
        store.read_lessons([uuid4(), uuid4()])


def test_one_server_that_answers_is_enough_to_find_the_others(
    cluster: Cluster, settings: Settings
) -> None:
    ids = list(lessons_everywhere(cluster))
    settings.LIVE_STORE_NODES = (
        "redis://127.0.0.1:1/0",
        f"redis://127.0.0.1:{cluster.nodes[1].port}/0",
    )

    found = store.read_lessons(ids)

    assert all(isinstance(each, LiveLesson) for each in found.values())


@contextmanager
def unserved(cluster: Cluster, key: str) -> Iterator[None]:
    slot, holder = key_slot(key.encode()), cluster.holder_of(key)
    for node in cluster.nodes:
        node.ask("CLUSTER", "DELSLOTS", slot)
    try:
        yield
    finally:
        for node in cluster.nodes:
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", holder.ask("CLUSTER", "MYID"))
        wait_until(cluster.serves, "the slot is not served again")


def test_a_slot_that_nobody_serves_is_unavailable_and_told(
    cluster: Cluster, client: Client
) -> None:
    first, second, *_ = lessons_everywhere(cluster, students=1)

    with unserved(cluster, keys.lesson(first)):
        with pytest.raises(LiveStoreUnavailable):
            check_in(first, student=student(1))
        assert check_in(second, student=student(1)).is_repeated
        answer = client.get("/readyz", secure=True)
        assert (answer.status_code, answer.json()["redis"]["ok"]) == (503, False)
        assert {each.id for each in run_checks()} == {"attn.E014"}

    assert check_in(first, student=student(1)).is_repeated
    assert client.get("/readyz", secure=True).status_code == 200


def test_a_server_that_is_gone_is_not_ready(cluster: Cluster, client: Client) -> None:
    cluster.other_than(cluster.holder_of(keys.DUE)).kill()

    assert client.get("/readyz", secure=True).status_code == 503
    assert {each.id for each in run_checks()} == {"attn.W010"}


def test_the_settings_of_every_server_count(cluster: Cluster, client: Client) -> None:
    last = cluster.nodes[-1]
    last.client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        (told,) = run_checks()
        assert client.get("/readyz", secure=True).status_code == 503
    finally:
        last.client().config_set("maxmemory-policy", "noeviction")

    assert told.id == "attn.E011"
    assert f"127.0.0.1:{last.port}" in told.msg


def test_lessons_of_every_server_are_persisted_together() -> None:
    ended_lessons(12)
    report = unified_persistence_task()

    assert (report.totals.counts.inserted, report.sums_agree) == (36, True)
    # What is told of the site, and the codes that are not given to another lesson.
    told = (keys.SITE.encode(), keys.DISCARDED.encode(), b"attn:code:")
    assert [name for name in redis_state() if not name.startswith(told)] == []
