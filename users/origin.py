"""Of the request that is served now: its id, who acts, and where it came from.

Whoever writes something down asks here, however deep it stands; a command and a run have none.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

NO_REQUEST = "-"


class Where(NamedTuple):
    """Never who or where exactly: a digest, and a network that is shared by many."""

    device: str = ""
    address: str = ""


@dataclass
class RequestOrigin:
    request_id: str = NO_REQUEST
    actor_id: int | None = None
    """The user who has shown a credential, as soon as it is looked at."""
    find_where: Callable[[], Where] = Where
    """Asked only where something is written: most requests write nothing."""


_current: ContextVar[RequestOrigin | None] = ContextVar("origin", default=None)


def begin(request_id: str) -> None:
    """A request begins, and the one before is over."""
    _current.set(RequestOrigin(request_id))


def end() -> None:
    _current.set(None)


def current() -> RequestOrigin:
    """Outside of a request an empty one, which nothing keeps."""
    return _current.get() or RequestOrigin()
