"""How a guard is taken out of the real code: another text of a script or a statement, or a name."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha1
from typing import Any, NamedTuple

import pytest
from django.db.backends.utils import CursorWrapper

from attendance.live import client
from attendance.live.client import Script
from tests.model.bounds import Scenario


class Mutant(NamedTuple):
    name: str
    broken: Callable[[], AbstractContextManager[None]]
    scenario: Scenario


@contextmanager
def lua(name: str, old: str, new: str) -> Iterator[None]:
    """Another text in one script."""
    real = client.script
    text = real(name).text
    # Said here: what is said in the middle of an action counts as a fault that was found.
    assert text.count(old) == 1, f"{name}.lua has changed: the mutant changes nothing"
    text = text.replace(old, new)
    broken = Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    def script(wanted: str) -> Script:
        return broken if wanted == name else real(wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "script", script)
        yield


@contextmanager
def sql(pattern: str, new: str) -> Iterator[None]:
    """Another text in the statements that match, on every connection."""
    real, found = CursorWrapper.execute, 0

    def execute(self: CursorWrapper, statement: Any, params: Any = None) -> Any:
        nonlocal found
        text, times = re.subn(pattern, new, str(statement), flags=re.DOTALL)
        found += times
        return real(self, text, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        yield
    assert found, "the SQL has changed: the mutant changes nothing"


@contextmanager
def python(module: Any, name: str, new: Any) -> Iterator[None]:
    """Another function, or another number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, new)
        yield
