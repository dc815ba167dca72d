"""The folder of a rig."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import leases
from launcher.project import remove
from launcher.testing import TEST_FOLDER


@contextmanager
def folder_of_a_rig() -> Iterator[Path]:
    """A folder like the launcher's for tests, so that it clears what a killed run leaves."""
    folder = Path(tempfile.mkdtemp(prefix=TEST_FOLDER))
    owner = leases.lock_of_owner(str(folder / "owner"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove(folder)
        if owner is not None:
            os.close(owner)


def name_of(folder: Path) -> str:
    """What tells this rig from others: the part of the folder's name that is its own."""
    return folder.name[len(TEST_FOLDER) :]
