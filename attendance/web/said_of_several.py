"""What was just said of several students, kept in the session until the board has shown it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest

_KEY = "said_of_several"


class SaidOfSeveral(NamedTuple):
    """What the board says, and how all of it is taken back."""

    text: str
    revisions: Mapping[str, int]
    """By school number, the revision that was written: what has changed since is left alone."""
    is_undone: bool

    @property
    def undo(self) -> Sequence[str]:
        """What the button sends of each: a revision and a number."""
        return [f"{revision} {number}" for number, revision in self.revisions.items()]


def keep(request: HttpRequest, lesson_id: UUID, said: SaidOfSeveral) -> None:
    """Keep it for the board of this lesson; what was kept before is no longer offered."""
    request.session[_KEY] = {"lesson": str(lesson_id), **said._asdict()}


def take(request: HttpRequest, lesson_id: UUID) -> SaidOfSeveral | None:
    """What was kept for this lesson, once."""
    kept = request.session.get(_KEY)
    if not kept or kept["lesson"] != str(lesson_id):
        return None
    del request.session[_KEY]
    return SaidOfSeveral(kept["text"], kept["revisions"], kept["is_undone"])
