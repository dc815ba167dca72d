"""Lessons on every server of a cluster."""

from collections import Counter
from uuid import UUID

from attendance.live import keys
from tests.support.cluster_nodes import Cluster, Node
from tests.support.lessons import live_lesson
from users.identity import Person, Role


def lessons_everywhere(
    cluster: Cluster, *, on_each: int = 1, students: int = 0
) -> dict[UUID, Node]:
    """Live lessons of as many teachers, and who holds them: so many on each server, or more."""
    found: dict[UUID, Node] = {}
    while any(Counter(found.values())[node] < on_each for node in cluster.nodes):
        teacher = Person(f"T-{len(found)}", f"Teacher {len(found)}", Role.TEACHER)
        lesson = live_lesson(students, teacher=teacher)
        found[lesson.id] = cluster.holder_of(keys.lesson(lesson.id))
    return found
