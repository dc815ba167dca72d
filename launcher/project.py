"""The folders of a project, and the account that runs its servers."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from launcher.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SOCKET = 103
"""Bytes of a Unix socket's path, on every system that ATTN runs on."""


class Account(NamedTuple):
    """The account that runs the servers; with None they run as the caller."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of subprocess that drop root's rights for good."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


OURS = Account()
"""Whoever calls the launcher."""


def server_account(root: Path = ROOT) -> Account:
    """PostgreSQL refuses to run as root: the project's owner runs it, or nobody."""
    if os.geteuid() != 0:
        return Account()
    owner = root.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Project:
    """The folder `.attn` of a project, and what lies outside of it where it must."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.state = root / ".attn"
        self.account = server_account(root)
        with contextlib.suppress(OSError):
            self.state.mkdir(exist_ok=True)
        if not os.access(self.state, os.W_OK | os.X_OK):
            raise Problem(
                f"{self.state} cannot be written: run ATTN as its owner, or remove that folder."
            )

    @property
    def name(self) -> str:
        return f"attn-{digest(str(self.root))}-{os.geteuid()}"

    @property
    def home(self) -> Path:
        """Where the servers' binaries and data are: in .attn, unless their account cannot go there.

        Root's own home, for example, is closed to everybody else.
        """
        if self.account.uid is None or is_open_to(self.account, self.state):
            return self.state
        home = Path("/var/tmp") / self.name  # noqa: S108 - owned and checked below
        home.mkdir(mode=0o755, exist_ok=True)
        if home.is_symlink() or home.stat().st_uid != os.geteuid():
            raise Problem(f"{home} belongs to somebody else: remove it and run this again.")
        return home

    def secret(self) -> str:
        """The key that signs sessions, made once."""
        path = self.state / "secret"
        with self.lock("secret.lock"):
            if not path.exists():
                fresh = path.with_suffix(".new")
                fresh.touch(mode=0o600)
                fresh.write_text(secrets.token_urlsafe(48))
                fresh.rename(path)
        return path.read_text()

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock on a file, so that one launcher at a time runs the block."""
        with (self.state / name).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def is_open_to(account: Account, path: Path) -> bool:
    """Whether an account may pass through every folder down to a path."""
    for folder in (path, *path.parents):
        status = folder.stat()
        if status.st_uid == account.uid:
            permission = 0o100
        elif status.st_gid == account.gid:
            permission = 0o010
        else:
            permission = 0o001
        if not status.st_mode & permission:
            return False
    return True


def socket_folder(name: str, account: Account) -> Path:
    """A private folder with a short path for Unix sockets, made where it is missing."""
    base = Path(tempfile.gettempdir())
    longest = base / name / ".s.PGSQL.5432.lock"
    if len(os.fsencode(longest)) > LONGEST_SOCKET or "," in str(base):
        base = Path("/tmp")  # noqa: S108 - the folder in it is private and checked
    folder = base / name
    folder.mkdir(mode=0o700, exist_ok=True)
    uid = os.geteuid() if account.uid is None else account.uid
    if folder.is_symlink() or folder.stat().st_uid not in {uid, os.geteuid()}:
        raise Problem(f"{folder} belongs to somebody else: remove it and run this again.")
    folder.chmod(0o700)
    account.own(folder)
    return folder


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
