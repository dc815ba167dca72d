"""Nothing of a test is left for the next: each turn finds what the first one found."""

import threading
import time
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client

from attendance.live import client
from attendance.models import AttendanceEvent, PersistenceRun
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from tests.support import tables
from tests.support.callers import account
from tests.support.lessons import TEACHER, TEST_SERVER, end, live_lesson
from tests.support.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> dict[str, Any]:
    """Every row of every table, the keys of the live store, and what the cache keeps."""
    rows = {
        model._meta.db_table: model._base_manager.count()
        for model in apps.get_models(include_auto_created=True)
    }
    return {name: count for name, count in rows.items() if count} | {
        "keys": [key for key in client.connection().scan_iter() if key != TEST_SERVER],
        "cache": cache.get("left"),
    }


def make_a_mess() -> None:
    """Rows of every kind that tests make, also those that no application may delete."""
    lesson = live_lesson(3)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    end(lesson.id)
    unified_persistence_task()
    live_lesson(1, lesson_name="Still live")
    user = account(TEACHER)
    Client().force_login(user, "users.backends.AccountBackend")
    group = Group.objects.create(name="left")
    group.permissions.add(Permission.objects.all()[0])
    user.groups.add(group)
    cache.set("left", 1)
    assert AttendanceEvent.objects.exists()
    assert PersistenceRun.objects.exists()


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_test_finds_nothing_of_the_one_before(turn: int) -> None:
    at_first = found()
    assert set(at_first) == {*tables.KEPT, "keys", "cache"}
    assert (at_first["keys"], at_first["cache"]) == ([], None)

    make_a_mess()


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_what_the_migrations_wrote_is_put_back(turn: int) -> None:
    assert not ContentType.objects.filter(app_label="left").exists()
    assert Permission.objects.filter(codename="view_attendancerecord").exists()

    ContentType.objects.create(app_label="left", model="left")
    Permission.objects.filter(codename="view_attendancerecord").delete()


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_whoever_still_writes_is_waited_for(turn: int) -> None:
    assert not Group.objects.exists()
    has_written = threading.Event()
    url = database_url()

    def write_slowly() -> None:
        with closing(psycopg.connect(url)) as other:
            other.execute("INSERT INTO auth_group (name) VALUES ('late')")
            has_written.set()
            time.sleep(0.3)
            other.commit()

    threading.Thread(target=write_slowly).start()
    assert has_written.wait(20)


def test_the_tables_are_those_of_a_flush() -> None:
    flushed = connection.introspection.django_table_names(only_existing=True, include_views=False)
    assert {*tables.emptied("default"), *tables.KEPT} == set(flushed)
