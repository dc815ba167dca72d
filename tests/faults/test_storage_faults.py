"""Faults of disks: power cuts, torn and flipped bytes, full disks, files that are gone."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults import aof, injections, power
from tests.faults.audit import count, let_run_to_rest
from tests.faults.rig import Rig, Template, made_rig
from tests.faults.school import School
from tests.support.rig.folder import folder_of_a_rig

NO_SPACE = "No space left on device"
MOST_LOOKS = 30


def test_a_power_cut_costs_nothing_that_was_acknowledged(school: School) -> None:
    live = school.rig.live
    with school.at_work() as load:
        for _ in range(2):
            with power.metered(live):
                load.acknowledged(20)
            live.start()

    school.holds()


def test_a_power_cut_in_a_quiet_moment_keeps_what_came_before_the_tracer(school: School) -> None:
    """A file that is cut shorter than what was acknowledged is a fault of the test, not of ATTN."""
    rig, heard = school.rig, 0

    def count_up() -> None:
        nonlocal heard
        heard = int(rig.redis().incr("counted"))

    for _ in range(4):
        with ExitStack() as writing:
            writing.enter_context(injections.repeated(count_up))
            with power.metered(rig.live):
                # From here on nothing is synced.
                writing.close()
            rig.live.start()
        assert int(rig.redis().get("counted") or 0) == heard


def test_a_power_cut_without_appendfsync_always_loses_marks(school: School) -> None:
    """The test above can fail: this is what it would see."""
    live = school.rig.live
    live.restart("--appendfsync", "everysec")
    # A sync that comes between the last answer and the cut is rare, three are not met.
    for teacher in range(3):
        with power.metered(live):
            desk = school.lesson(20, teacher=teacher)
        live.start()
        desk.finish()
    let_run_to_rest(school.rig)

    assert count(school.rig, school.journal).lost


def test_a_torn_write_at_the_end_of_the_file_costs_nothing_acknowledged(school: School) -> None:
    with school.at_work():
        school.rig.live.kill()
        aof.tear(school.rig.live)
        school.rig.live.start()

    school.holds()


def test_a_record_that_is_cut_off_comes_back_by_its_receipt(school: School) -> None:
    desk = school.lesson(10)
    school.rig.live.kill()
    aof.cut_last_record(school.rig.live)
    school.rig.live.start()

    taken = school.send_receipts()
    desk.finish()

    assert taken == 10
    assert school.holds().stored == 10


@pytest.mark.parametrize("part", ["checksum", "stamp", "json"])
def test_a_flipped_byte_quarantines_one_record_and_harms_no_other(
    part: str, school: School
) -> None:
    desk = school.lesson(12)
    school.rig.live.stop()
    aof.flip_byte(school.rig.live, desk.lesson.id, part, school.chance)
    school.rig.live.start()
    desk.finish()

    audit = school.holds()
    assert (audit.stored, audit.quarantined) == (11, 1)


def test_lessons_that_redis_forgot_are_an_alarm_and_receipts_bring_them_back(
    school: School,
) -> None:
    school.lesson(10)
    school.rig.live.stop()
    shutil.rmtree(school.rig.live.data / "appendonlydir")
    school.rig.live.start()
    let_run_to_rest(school.rig)

    _, told = school.site.get("/readyz")
    assert (told["status"], told["lessons"]["lost"]) == ("degraded", 1)
    assert count(school.rig, school.journal).lost
    assert school.send_receipts() == 10
    let_run_to_rest(school.rig)
    audit = count(school.rig, school.journal)
    # The ledger goes on to say what happened.
    assert audit.faults.keys() == {"broken"}
    assert "is lost" in audit.broken[0]
    assert audit.stored == 10


def test_marks_in_an_older_copy_that_was_restored_are_stored_or_quarantined(
    school: School,
) -> None:
    files = school.rig.live.data / "appendonlydir"
    backup = school.rig.folder / "backup"
    desk = school.lesson(10)
    shutil.copytree(files, backup)
    for _ in range(20):
        desk.correct_somebody()
    desk.finish()
    let_run_to_rest(school.rig)

    school.rig.live.stop()
    _replace_contents(files, backup)
    school.rig.live.start()
    # The lesson is open again for whoever comes: they are promised something too.
    school.let_in(desk, range(10, 15))
    desk.finish()
    let_run_to_rest(school.rig)

    audit = count(school.rig, school.journal)
    # The older copy stays in Redis until a person has looked at it.
    assert audit.faults.keys() <= {"left"}
    assert audit.acknowledged == 15
    shutil.rmtree(backup)


def test_a_live_store_whose_disk_is_full_stops_and_loses_nothing(template: Template) -> None:
    with rig_on_a_small_disk(template, "live", "4m") as (rig, disk), rig.site() as site:
        school = School(rig, site, 1)
        with school.at_work() as load:
            with filled(disk):
                time.sleep(0.5)
                # With appendfsync always it ends itself rather than promise anything.
                assert rig.live.pid() is None
                assert site.get("/readyz")[0] == 503
            rig.live.start()
            load.acknowledged(20)
        school.holds()
        school.close()


def test_a_postgresql_whose_disk_is_full_loses_nothing(template: Template) -> None:
    with rig_on_a_small_disk(template, "postgres", "160m") as (rig, disk), rig.site() as site:
        school = School(rig, site, 1)
        with school.at_work() as load:
            with filled(disk):
                load.acknowledged(60)
                # It writes into segments that it has, until it wants another one.
                for _ in range(MOST_LOOKS):
                    if NO_SPACE in rig.postgres.log.read_text():
                        break
                    load.acknowledged(20)
            assert NO_SPACE in rig.postgres.log.read_text()
            # Where the write-ahead log does not fit, PostgreSQL gives up.
            rig.postgres.start()
            load.acknowledged(20)
        school.holds()
        school.close()


@contextmanager
def rig_on_a_small_disk(template: Template, server: str, size: str) -> Iterator[tuple[Rig, Path]]:
    """A rig of which one server has a disk of its own, of that size."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with folder_of_a_rig() as folder:
        disk = folder / server
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("this system does not let us mount a small disk")
        try:
            with made_rig(template, folder=folder) as rig:
                yield rig, disk
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Nothing more fits on a disk."""
    ballast = disk / "ballast"
    zeros = bytes(1 << 16)
    try:
        # The server writes, too: what was free a moment ago says nothing.
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(zeros)
        yield
    finally:
        ballast.unlink()


def _replace_contents(folder: Path, source: Path) -> None:
    """Put other files in a folder, which stays its owner's."""
    owner = folder.stat()
    for path in folder.iterdir():
        path.unlink()
    for path in source.iterdir():
        target = folder / path.name
        shutil.copy(path, target)
        os.chown(target, owner.st_uid, owner.st_gid)
