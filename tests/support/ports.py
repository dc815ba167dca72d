"""Ports of the loopback, for servers that a test starts."""

import socket
from contextlib import ExitStack


def free_port() -> int:
    """A port that nobody listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many different ones."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def listens(port: int) -> bool:
    """Whether somebody listens on it now."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
