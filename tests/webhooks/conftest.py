import ipaddress
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def networks(settings: Any) -> None:
    """The subscribers of tests are on this machine."""
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
