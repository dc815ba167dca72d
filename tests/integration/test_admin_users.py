"""Deleting people in the admin while their lessons are being stored."""

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from attendance.models import AttendanceRecord
from attendance.services.persistence import failpoints, unified_persistence_task
from tests.support.factories import UserFactory
from tests.support.lessons import ended_lesson, student
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def test_a_delete_that_meets_a_lesson_being_stored_is_told_and_undone(
    client: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    client.force_login(UserFactory.create(school_number="STAFF-1", staff=True, is_superuser=True))
    user = UserFactory.create(school_number=student(1).school_number)
    ended_lesson(1)
    answers: list[Any] = []
    began = threading.Event()

    def delete() -> None:
        try:
            url = reverse("admin:users_user_delete", args=[user.pk])
            answers.append(client.post(url, {"post": "yes"}, follow=True))
        finally:
            connections.close_all()

    other = threading.Thread(target=delete)

    def begin(lesson_ids: Sequence[UUID]) -> None:
        if not began.is_set():
            began.set()
            other.start()
            # It has looked, found nothing, and waits for the row that we hold.
            while not _is_waited_for():
                other.join(0.02)
                assert other.is_alive()

    with failpoints.installed("before_commit", begin):
        unified_persistence_task()
    other.join(SECONDS)

    assert answers[0].status_code == 200
    assert "nobody is deleted who has one" in answers[0].content.decode()
    assert User.objects.filter(pk=user.pk).exists()
    assert AttendanceRecord.objects.get().student_id == user.pk


def _is_waited_for() -> bool:
    # Locks are looked at anew each time; pg_stat_activity stays the same in a transaction.
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
