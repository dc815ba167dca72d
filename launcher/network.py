"""Ports and addresses of the machine: which are free, and what others in the network type."""

import errno
import socket
from argparse import ArgumentTypeError
from collections.abc import Iterator

from launcher.problem import USAGE, Problem

FIRST_PORT, PORTS, LAST_PORT = 8000, 100, 65535
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - only where somebody asks for it
_ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses for documentation: nothing is sent to them."""
_WHY_NOT = {
    errno.EACCES: "needs the rights of root: choose a port from 1024 on with --port.",
    errno.EADDRINUSE: "is taken: choose another with --port.",
    errno.EADDRNOTAVAIL: "is no address of this machine: choose another with --host.",
}


def port_of(text: str) -> int:
    """A port as it is typed. Raises ArgumentTypeError."""
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= LAST_PORT:
        return int(text)
    raise ArgumentTypeError(f"{text} is no port: use one from 1 to {LAST_PORT}.")


def check_is_free(host: str, port: int) -> None:
    """Raises Problem with one line that says what to choose instead."""
    error = _bind_error(host, port)
    if error is not None:
        why = _WHY_NOT.get(error.errno or 0, f"cannot be used: {error.strerror or error}.")
        raise Problem(f"{at(host, port)} {why}", USAGE)


def is_free(host: str, port: int) -> bool:
    return _bind_error(host, port) is None


def free_port(host: str = "127.0.0.1", first: int = FIRST_PORT) -> int | None:
    """The first free port of a hundred, or None."""
    ports = range(first, min(first + PORTS, LAST_PORT + 1))
    return next((port for port in ports if is_free(host, port)), None)


def at(host: str, port: int) -> str:
    """Host and port as an address has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reached_at(host: str) -> str:
    """Where this machine itself reaches a server that listens at a host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def addresses(host: str) -> list[str]:
    """The addresses under which others reach what listens at a host; the likeliest comes first."""
    if host in LOOPBACK:
        return []
    if host not in EVERYWHERE:
        return [host]
    kinds = {socket.AF_INET} if host == "0.0.0.0" else {socket.AF_INET, socket.AF_INET6}  # noqa: S104
    found = dict.fromkeys([*_routed(kinds), *_named(kinds)])
    return [each for each in found if not each.startswith(("127.", "::1", "fe80:"))]


def _bind_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def _routed(kinds: set[socket.AddressFamily]) -> Iterator[str]:
    """Own addresses on the way to other networks; a datagram socket connects without a packet."""
    for target, kind in _ELSEWHERE:
        if kind not in kinds:
            continue
        try:
            with socket.socket(kind, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                yield probe.getsockname()[0]
        except OSError:
            continue


def _named(kinds: set[socket.AddressFamily]) -> Iterator[str]:
    """Own addresses by the machine's own name."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return
    yield from (str(where[0]) for kind, *_, where in found if kind in kinds)


def allowed_hosts(host: str) -> str:
    """What the site may be called: this machine, the addresses, and the machine's name."""
    names = ["localhost", "127.0.0.1", "[::1]"]
    if host not in LOOPBACK:
        own = socket.gethostname()
        names += [f"[{each}]" if ":" in each else each for each in addresses(host)]
        names += [own, f"{own}.local"]
    return ",".join(dict.fromkeys(name for name in names if name))
