"""A real Redis Cluster of three Valkeys, each with its own append-only file."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from launcher import binaries
from launcher.project import Account, Project, remove, socket_folder
from launcher.servers import Live
from tests.support.ports import free_ports

NODES = 3
SECONDS = 20


class Node(Live):
    """One server of a cluster: the live store's settings, and a port for the others."""

    def __init__(
        self, binary: Path, folder: Path, sockets: Path, account: Account, ports: tuple[int, int]
    ) -> None:
        super().__init__(binary, folder, sockets, account)
        self.port, self.bus_port = ports
        self.data = folder / f"node-{self.port}"
        self.log = folder / f"node-{self.port}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self.options = [
            *("--port", str(self.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"),
            *("--cluster-port", str(self.bus_port), "--cluster-node-timeout", "2000"),
            # What the others hold goes on while one is away.
            *("--cluster-require-full-coverage", "no"),
        ]

    @property
    def socket(self) -> Path:
        return self.sockets / f"{self.port}.sock"

    def command(self) -> list[str]:
        return [*super().command(), *self.options]

    def is_ours(self, command_line: str) -> bool:
        # A server with a port names that in its title, and no socket.
        return f":{self.port} [cluster]" in command_line

    def client(self) -> redis.Redis:
        return redis.Redis(host="127.0.0.1", port=self.port, protocol=2)

    def ask(self, *command: str | int) -> Any:
        """The answer to a command that this very server gets."""
        with self.client() as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        pid = self.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        super().stop()
        self._reap()

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        self._child = super()._spawn(command)
        return self._child

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait(SECONDS)


class Cluster:
    """Servers that share the slots among them."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}/"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        width = -(-REDIS_CLUSTER_HASH_SLOTS // len(self.nodes))
        for number, node in enumerate(self.nodes):
            last = min((number + 1) * width, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", number * width, last)
            # Epochs of their own save the servers from settling who is who.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        wait_until(self.serves, "the cluster does not come together")

    def serves(self) -> bool:
        """Whether every server knows every slot's holder, and that it lives."""
        told = [node.client().cluster("INFO") for node in self.nodes]
        return all(
            (one["cluster_state"], one["cluster_slots_ok"], one["cluster_known_nodes"])
            == ("ok", str(REDIS_CLUSTER_HASH_SLOTS), str(len(self.nodes)))
            for one in told
        )

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def holder_of(self, key: str) -> Node:
        """The server that holds a key's slot, by its own word."""
        slot = key_slot(key.encode())
        (found,) = (node for node in self.nodes if slot in own_slots(node))
        return found

    def other_than(self, node: Node) -> Node:
        return next(each for each in self.nodes if each is not node)

    def errors(self) -> Counter[str]:
        """How often the servers have answered MOVED, ASK, TRYAGAIN and the like."""
        told: Counter[str] = Counter()
        for node in self.nodes:
            for name, stat in node.client().info("errorstats").items():
                told[name.removeprefix("errorstat_")] += stat["count"]
        return told


def own_slots(node: Node) -> set[int]:
    me = node.ask("CLUSTER", "MYID")
    return {
        slot
        for first, last, primary, *_ in node.ask("CLUSTER", "SLOTS")
        if primary[2] == me
        for slot in range(first, last + 1)
    }


def wait_until(is_so: Callable[[], Any], otherwise: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.exceptions.RedisError):
            if is_so():
                return
        time.sleep(0.02)
    raise AssertionError(otherwise)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Three servers in a temporary folder, run by the account that runs the others."""
    project = Project()
    binary = binaries.find(binaries.VALKEY, project)
    folder = Path(tempfile.mkdtemp(prefix="attn-cluster-"))
    folder.chmod(0o755)
    sockets = socket_folder(f"attn-c-{folder.name.rpartition('-')[2]}", project.account)
    nodes = [
        Node(binary, folder, sockets, project.account, ports)
        for ports in zip(*[iter(free_ports(2 * NODES))] * 2, strict=True)
    ]
    made = Cluster(nodes)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        remove(sockets)
        remove(folder)
