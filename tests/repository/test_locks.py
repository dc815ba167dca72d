"""Which lock a command needs, and which locks hold all of it."""

from pathlib import Path

from django.conf import settings

from launcher import environment
from launcher.commands import lock_for

ROOT = Path(settings.BASE_DIR)


def pinned(lock: str) -> set[str]:
    lines = (ROOT / lock).read_text().splitlines()
    return {line.split(";")[0].strip(" \\") for line in lines if "==" in line.split(";")[0]}


def test_a_lock_that_stands_for_another_has_all_of_it() -> None:
    for lock, others in environment._COMPLETE.items():
        assert pinned(lock), lock
        for other in others:
            assert pinned(lock) <= pinned(other), (lock, other)
    assert {pin.partition("==")[0] for pin in pinned(environment.PARQUET)} - {
        pin.partition("==")[0] for pin in pinned(environment.SITE)
    } == {"pyarrow"}


def test_pyarrow_is_installed_for_parquet_alone() -> None:
    assert lock_for(("export_data", "--format", "parquet")) == environment.PARQUET
    assert lock_for(("export_data", "--format=parquet", "--since", "0")) == environment.PARQUET
    assert lock_for(("export_data", "--format", "csv.gz")) == environment.SITE
    assert lock_for(("export", "marks", "--output", "parquet")) == environment.SITE
    assert lock_for(("demo",)) == environment.DEMO
