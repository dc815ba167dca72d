"""A deploy without a pause: two releases at work on the same servers, and a migration meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from launcher.project import ROOT
from tests.faults import releases
from tests.faults.load import Load
from tests.faults.processes import backlog, worker
from tests.faults.rig import Rig, Template, made_rig
from tests.faults.school import School


@pytest.fixture(scope="module")
def shared_rig(template: Template) -> Iterator[Rig]:
    """Servers of this module alone: a migration stays."""
    with made_rig(template) as rig:
        yield rig


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return releases.make(tmp_path_factory.mktemp("release"))


def test_two_releases_with_other_scripts_work_side_by_side(
    school: School, release: Path, rig: Rig
) -> None:
    env = {"GUNICORN_CMD_ARGS": f"--chdir {release}", "PYTHONPATH": str(release)}
    with rig.site(env=env) as site, closing(School(rig, site, school.seed + 1)) as newer:
        newer.journal = school.journal
        other = Load(site.port, rig.people, school.journal, seed=newer.seed)
        # Teachers 0 and 1 are at the older site; 2 and 3 at the newer one.
        other._teachers = [other._thread(other._teach, n) for n in (2, 3)]
        with (
            worker(rig, "loop", "0.05"),
            worker(rig, "loop", "0.05", folder=release),
            school.at_work(workers=0),
            other,
        ):
            # What began at one site goes on at the other.
            desk = school.lesson(10, teacher=5)
            newer.let_in(desk, range(10, 20))
            desk.correct_somebody()
            desk.finish()
            other.acknowledged(30)

    school.holds()
    shas = [releases.sha_of(folder, "snapshot") for folder in (ROOT, release)]
    assert rig.redis().script_exists(*shas) == [True, True]


def test_a_migration_that_only_adds_disturbs_nobody(school: School, release: Path) -> None:
    with school.at_work() as load:
        migrate = [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0", "--skip-checks"]
        env = school.rig.environment(PYTHONPATH=str(release))
        subprocess.run(migrate, cwd=release, env=env, check=True, timeout=60)
        backlog(school, lessons=2)
        load.acknowledged(30)

    school.holds()

    with school.rig.sql() as sql:
        added = sql.execute(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'expanded'"
        ).fetchone()
    assert added == (2,)
    assert not school.journal.given_up
