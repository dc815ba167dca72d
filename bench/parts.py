"""Seconds of CPU that each part of ATTN has taken, from the outside."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from django.db import connection

TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """Seconds since each part started."""

    sites: float
    postgresql: float
    redis: float
    senders: float
    """This process."""


def usage(*, ports: Iterable[int], redis: Callable[[], Iterable[Mapping[str, float]]]) -> Usage:
    """`ports` of the sites; `redis` tells the CPU section of each server's INFO."""
    addresses = [f"127.0.0.1:{port}".encode() for port in ports]
    sites = sum(_own(pid) for pid in _pids() if any(a in _command(pid) for a in addresses))
    told = sum(each["used_cpu_user"] + each["used_cpu_sys"] for each in redis())
    return Usage(sites, _postgresql(), told, time.process_time())


def _postgresql() -> float:
    """The postmaster with those of its children that are over, and those that still run."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
    first = int((folder / "postmaster.pid").read_text().splitlines()[0])
    over = sum(map(int, _stat(first)[13:15])) / TICKS
    return _own(first) + over + sum(_own(p) for p in _pids() if _stat(p)[1:2] == [str(first)])


def _pids() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _own(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:13])) / TICKS


def _stat(pid: int) -> list[str]:
    """What stands behind the name of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
