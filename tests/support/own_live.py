"""A live store of a test's own, which it may kill: the other tests keep theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings as project_settings

from launcher.project import Project, remove
from tests.support.rig.folder import folder_of_a_rig, name_of
from tests.support.rig.servers import RigLive, Servers


@contextmanager
def own_live_store(settings: Any) -> Iterator[RigLive]:
    """Start one and let this process use it until the end of the test."""
    with folder_of_a_rig() as folder:
        servers = Servers(Project(), folder, f"attn-o-{name_of(folder)}")
        servers.live.start()
        caches = project_settings.CACHES
        alias = project_settings.LIVE_STORE_ALIAS
        settings.CACHES = {**caches, alias: {**caches[alias], "LOCATION": servers.live.url}}
        try:
            yield servers.live
        finally:
            settings.CACHES = caches
            servers.live.stop()
            remove(servers.sockets)
