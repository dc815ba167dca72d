from collections.abc import Iterator

import pytest

from tests.support import job_kinds


@pytest.fixture(autouse=True)
def nothing_called() -> Iterator[None]:
    yield
    job_kinds.called.clear()
    job_kinds.meanwhile.clear()
