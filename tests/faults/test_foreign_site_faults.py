"""A second site with a database of its own on the live store of the first."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.rig import Rig, Template, made_rig
from tests.faults.school import School
from tests.faults.told import alarms
from tests.support.waiting import wait_until

_WRITTEN = ("attendance", "attendancerecord", "attendanceevent", "lessonledger")
_REFUSED = "error LIKE '%another site%'"


@pytest.fixture(scope="module")
def shared_rig(template: Template) -> Iterator[Rig]:
    """A PostgreSQL with another database, migrated and without a lesson, as a staging site's."""
    with made_rig(template) as rig:
        # Nobody may be connected to what is copied.
        with psycopg.connect(rig.postgres.url, dbname="postgres", autocommit=True) as sql:
            sql.execute("CREATE DATABASE elsewhere TEMPLATE attn")
        yield rig


def test_a_foreign_site_under_load_stores_and_removes_nothing(school: School) -> None:
    url = school.rig.postgres.url.removesuffix("/attn") + "/elsewhere"
    env = {"DATABASE_URL": url}
    with (
        school.at_work() as load,
        school.rig.site(workers=1, env=env) as foreign,
        school.rig.worker("loop", "0.05", env=env),
        psycopg.connect(url, autocommit=True) as sql,
    ):
        wait_until(lambda: _refused_runs(sql) > 10, "runs of the foreign site")
        load.acknowledged(60)
        assert foreign.get("/readyz")[0] == 503
        assert "foreign_site" in alarms(foreign)
        assert [_count(sql, table) for table in _WRITTEN] == [0, 0, 0, 0]
        # One that has just begun was not refused yet.
        assert (
            _count(sql, "persistencerun", f"WHERE finished_at IS NOT NULL AND NOT {_REFUSED}") == 0
        )

    school.holds()
    assert alarms(school.site) == set()


def _refused_runs(sql: "psycopg.Connection[tuple[object, ...]]") -> int:
    return _count(sql, "persistencerun", f"WHERE {_REFUSED}")


def _count(sql: "psycopg.Connection[tuple[object, ...]]", table: str, which: str = "") -> int:
    row = sql.execute(f"SELECT count(*) FROM attendance_{table} {which}").fetchone()
    assert row
    return int(str(row[0]))
