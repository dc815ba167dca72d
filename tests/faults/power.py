"""A power cut: what was written and never synced is gone.

A tracer follows the server's system calls (ptrace, as strace does) and notes how long
the append-only file was at the start of each sync that came to its end. After
kill -9, the file is cut to that length.

Run as a module with a process id: traces that process to its end, and tells the
length of each synced file as JSON.
"""

import contextlib
import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.rig.servers import Breakable

SEIZE, INTERRUPT, SYSCALL, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x420E
GOOD_STOPS, EVENT_STOP, ALL = 1, 128, 0x40000000
ENTRY, EXIT = 1, 2
SYNCS = {"x86_64": {74, 75}, "aarch64": {82, 83}}.get(platform.machine(), set())
"""The numbers of fsync and fdatasync."""


class SystemCall(ctypes.Structure):
    """What the kernel says of a system call: ptrace_syscall_info."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("args", ctypes.c_uint64 * 6),
    )


class Tracer:
    """Follows every thread of one process."""

    def __init__(self, pid: int) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = (ctypes.c_long,) * 2 + (ctypes.c_void_p,) * 2
        self._pid = pid
        self._under_way: dict[int, tuple[str, int]] = {}
        self.synced: dict[str, int] = {}

    def attach(self) -> None:
        """Raises OSError where this system does not let us."""
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            if self._ptrace(SEIZE, int(task.name), GOOD_STOPS) < 0:
                raise OSError(ctypes.get_errno(), "ptrace is not permitted")
            self._ptrace(INTERRUPT, int(task.name), 0)

    def follow(self) -> None:
        """Until the process is gone."""
        while True:
            try:
                thread, status = os.waitpid(-1, ALL)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                continue
            number = os.WSTOPSIG(status)
            if number == signal.SIGTRAP | 0x80:
                self._note(thread)
                number = 0
            elif status >> 16 == EVENT_STOP:
                number = 0
            self._ptrace(SYSCALL, thread, number)

    def _note(self, thread: int) -> None:
        call = SystemCall()
        size = ctypes.sizeof(call)
        if self._ptrace(GET_SYSCALL_INFO, thread, size, ctypes.addressof(call)) < 0:
            return
        if call.op == ENTRY and call.number in SYNCS:
            path = Path(f"/proc/{self._pid}/fd/{call.args[0]}").readlink()
            self._under_way[thread] = (str(path), path.stat().st_size)
        elif call.op == EXIT and thread in self._under_way:
            name, length = self._under_way.pop(thread)
            # At an exit, the place of the number holds what the call returned.
            if call.number == 0:
                self.synced[name] = max(length, self.synced.get(name, 0))

    def _ptrace(self, request: int, thread: int, data: int, address: int = 0) -> int:
        # GET_SYSCALL_INFO takes the size as the address and the place as the data.
        first, second = (data, address) if address else (0, data)
        return int(self._libc.ptrace(request, thread, first, second))


@contextmanager
def metered(server: Breakable) -> Iterator[None]:
    """Trace a server, kill it at the end of the block, and cut its file to what was synced."""
    if not SYNCS:
        pytest.skip("system calls can be followed on Linux only, on x86_64 and aarch64")
    before = _incremental_file(server)
    command = [sys.executable, "-m", "tests.faults.power", str(server.pid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tracer:
        assert tracer.stdout is not None
        if tracer.stdout.readline() != "follows\n":
            pytest.skip("this system does not permit ptrace")
        # Not before: what was acknowledged until now was synced, and no tracer has seen it.
        known = before.stat().st_size
        try:
            yield
        finally:
            server.kill()
        synced: dict[str, int] = json.loads(tracer.stdout.read())
    os.truncate(before, synced.get(str(before), known))


def _incremental_file(server: Breakable) -> Path:
    (found,) = server.data.glob("appendonlydir/*.incr.aof")
    return found


def main(pid: int) -> None:
    tracer = Tracer(pid)
    try:
        tracer.attach()
    except OSError as error:
        sys.exit(str(error))
    print("follows", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        tracer.follow()
    print(json.dumps(tracer.synced))


if __name__ == "__main__":
    main(int(sys.argv[1]))
