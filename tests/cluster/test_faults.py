"""A server of the cluster dies, and slots are moved, while students check in."""

from collections import Counter
from uuid import UUID

import pytest

from attendance.errors import LiveStoreUnavailable
from attendance.live import keys, store
from attendance.services.check_in import check_in
from attendance.services.persistence import unified_persistence_task
from tests.cluster.crowd import Crowd
from tests.cluster.lessons import lessons_everywhere
from tests.cluster.moving import Step, move_slot, move_slot_at_once
from tests.support.cluster_nodes import Cluster, wait_until
from tests.support.lessons import end, keys_in_redis, student

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("on_cluster"),
    pytest.mark.timeout(600),
]


def persisted(crowd: Crowd) -> set[tuple[UUID, str]]:
    """End the lessons, persist them, and return what is stored."""
    for lesson_id in crowd.lesson_ids:
        end(lesson_id)
    report = unified_persistence_task()
    assert (report.exit_status, report.sums_agree) == (0, True)
    assert report.totals.counts.inserted == len(crowd.stored())
    assert [key for lesson_id in crowd.lesson_ids for key in keys_in_redis(lesson_id)] == []
    return crowd.stored()


def wait_for_another(cluster: Cluster, word: str) -> None:
    told = cluster.errors()[word]
    wait_until(lambda: cluster.errors()[word] > told, f"nobody was told {word}")


def test_a_server_that_is_killed_brings_back_all_that_it_acknowledged(cluster: Cluster) -> None:
    lessons = lessons_everywhere(cluster)
    crowd = Crowd(list(lessons))
    victim = cluster.other_than(cluster.holder_of(keys.DUE))
    held = next(i for i, node in lessons.items() if node is victim)
    other = next(i for i, node in lessons.items() if node is not victim)

    with crowd.checking_in():
        crowd.wait_for(60)
        victim.kill()
        crowd.wait_for_refusals(3)
        # What the others hold goes on. What it held is out of reach, and never "not found".
        assert not check_in(other, student=student(9_001)).is_repeated
        with pytest.raises(LiveStoreUnavailable):
            check_in(held, student=student(9_001))
        victim.start()
        wait_until(cluster.serves, "the cluster does not come together again")
        crowd.wait_for(60)

    extra = {(other, student(9_001).school_number)}
    assert persisted(crowd) == crowd.acknowledged | extra


def test_slots_that_move_under_load_lose_nothing_and_double_nothing(cluster: Cluster) -> None:
    lessons = lessons_everywhere(cluster)
    crowd = Crowd(list(lessons))
    before, steps = cluster.errors(), Counter[Step]()

    with crowd.checking_in():
        for lesson_id in lessons:
            crowd.wait_for(20)
            for step in move_slot(cluster, keys.lesson(lesson_id)):
                steps[step] += 1
                if step is Step.SPLIT:
                    wait_for_another(cluster, "TRYAGAIN")
                if step is Step.EMPTIED:
                    # A command with one key is sent on, and done, before the slot is given over.
                    store.sync_due(lesson_id)
        for _ in move_slot(cluster, keys.DUE):
            assert set(store.due_since(list(lessons))) == set(lessons)
        crowd.wait_for(20)

    seen = cluster.errors() - before
    assert set(steps) == set(Step)
    assert min(seen[word] for word in ("MOVED", "ASK", "TRYAGAIN")) > 0, seen
    assert persisted(crowd) == crowd.acknowledged


def test_a_slot_that_moves_at_once_keeps_nobody_waiting(cluster: Cluster) -> None:
    lessons = lessons_everywhere(cluster)
    crowd = Crowd(list(lessons))
    before = cluster.errors()

    with crowd.checking_in():
        for lesson_id, source in lessons.items():
            crowd.wait_for(20)
            move_slot_at_once(cluster, keys.lesson(lesson_id))
            assert cluster.holder_of(keys.lesson(lesson_id)) is not source
        crowd.wait_for(20)

    seen = cluster.errors() - before
    assert (seen["MOVED"] > 0, seen["ASK"], seen["TRYAGAIN"]) == (True, 0, 0)
    assert crowd.unavailable == 0
    assert persisted(crowd) == crowd.acknowledged
