"""What is in the cache is data, and never a program."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.cache import cache
from django_redis import get_redis_connection

from tests.support.callers import signed_in
from tests.support.lessons import TEACHER

pytestmark = pytest.mark.django_db(transaction=True)


class Program:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "value", [b"\x00\xff", "Ada", 7, None, True, {"a": [1, "b", b"c"]}, [], 2**40, -1, 1.5]
)
def test_values_come_back_as_they_were(value: Any) -> None:
    cache.set("tests:value", value, 60)
    assert cache.get("tests:value", "nothing") == value


def test_a_program_in_the_cache_is_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    desk = signed_in(TEACHER)
    assert desk.get("/lessons/").status_code == 200
    redis = get_redis_connection("default")
    keys: Any = redis.keys("*")
    assert any(b"session" in key for key in keys)

    for key in keys:
        redis.set(key, pickle.dumps(Program(trap)))

    # The session is read from the database, whoever it is from there too.
    assert desk.get("/lessons/").status_code == 200
    assert not trap.exists()


def test_a_session_lives_in_both_places() -> None:
    session = SessionStore()
    session["seen"] = {"lesson": "1", "times": 3}
    session.save()

    assert cache.get(session.cache_key) == {"seen": {"lesson": "1", "times": 3}}
    assert dict(SessionStore(session.session_key).items()) == {"seen": {"lesson": "1", "times": 3}}


def test_nothing_of_ours_pickles() -> None:
    for folder in ("attendance", "attn_project", "courses", "demo", "launcher", "users"):
        for module in Path(folder).rglob("*.py"):
            assert "import pickle" not in module.read_text(), module
