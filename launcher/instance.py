"""Three servers that belong together, and the addresses under which they are found."""

from collections.abc import Mapping
from pathlib import Path

from launcher import binaries
from launcher.project import Project, socket_folder
from launcher.servers import Cache, Live, Postgres, Server, Valkey

VARIABLES = {"postgres": "DATABASE_URL", "live": "REDIS_URL", "cache": "CACHE_URL"}


class Instance:
    """PostgreSQL, the live store and the cache, each unless the environment names another one."""

    def __init__(self, servers: Mapping[str, Postgres | Valkey], sockets: Path) -> None:
        self.servers = dict(servers)
        self.sockets = sockets

    @property
    def urls(self) -> dict[str, str]:
        return {VARIABLES[name]: server.url for name, server in self.servers.items()}

    def start(self) -> None:
        for server in self.servers.values():
            server.start()

    def stop(self) -> None:
        for server in reversed(list(self.servers.values())):
            server.stop()

    def running(self) -> dict[str, int | None]:
        return {name: server.pid() for name, server in self.servers.items()}

    def __getitem__(self, name: str) -> Server:
        return self.servers[name]


def make(project: Project, folder: Path, name: str, environ: Mapping[str, str]) -> Instance:
    """The servers that the environment does not replace. Raises Problem where one is missing."""
    account = project.account
    sockets = socket_folder(name, account)
    servers: dict[str, Postgres | Valkey] = {}
    if not environ.get("DATABASE_URL"):
        binary = binaries.find(binaries.POSTGRES, project)
        servers["postgres"] = Postgres(binary, folder, sockets, account)
    for kind in (Live, Cache):
        if not environ.get(VARIABLES[kind.name]):
            binary = binaries.find(binaries.VALKEY, project)
            servers[kind.name] = kind(binary, folder, sockets, account)
    return Instance(servers, sockets)
