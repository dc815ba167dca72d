"""Guards against stores of different ages, each taken out once."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from attendance.live import store
from attendance.live.newest import NewestRevisions
from attendance.live.payloads import LiveLesson, RequestKey
from attendance.live.store import Marks, ending
from attendance.services.persistence import news, snapshots
from attendance.services.stores import returns, sites, words
from attendance.services.stores.lacks import WHOLE
from tests.model import store_scenarios
from tests.model.taking_out import Mutant, lua, python


def _words_that_nobody_writes_down() -> AbstractContextManager[None]:
    def enter(lesson: LiveLesson, newest: RequestKey | None) -> bool:
        return False

    return python(words, "enter", enter)


@contextmanager
def _commits_that_redis_never_hears_of() -> Iterator[None]:
    def raise_marks(marks: Marks) -> None:
        return None

    def tell_word(mark: int, *, token: str) -> bool:
        return True

    with python(store, "raise_marks", raise_marks), python(store, "tell_word", tell_word):
        yield


def _discards_that_redis_forgets() -> AbstractContextManager[None]:
    def remembered() -> list[UUID]:
        return []

    return python(store, "remembered_discards", remembered)


_LOOK = "if id and id ~= ARGV[1]"


@contextmanager
def _lessons_of_whatever_site() -> Iterator[None]:
    """Both looks behind that of the run: the one at the discard finds what the first has let by."""
    with (
        python(snapshots, "is_foreign", lambda site, sites: False),
        lua("discard_if_unchanged", "if ARGV[3] ~= ''", "if false"),
    ):
        yield


ALL = (
    Mutant(
        "a run does not look whose Redis it is",
        lambda: lua("begin_run", _LOOK, f"{_LOOK} and false"),
        store_scenarios.TWO_SITES,
    ),
    Mutant(
        "a snapshot does not look whose lesson it is",
        lambda: python(snapshots, "is_foreign", lambda site, sites: False),
        store_scenarios.TWO_SITES,
    ),
    Mutant(
        "neither a snapshot nor a discard looks whose lesson it is",
        _lessons_of_whatever_site,
        store_scenarios.TWO_SITES,
    ),
    Mutant(
        "a copy is whole, whatever was seen",
        lambda: python(snapshots, "_lack", lambda *_: WHOLE),
        store_scenarios.PROMOTED,
    ),
    Mutant(
        "a word in Redis is not written down",
        _words_that_nobody_writes_down,
        store_scenarios.PROMOTED,
    ),
    Mutant(
        "Redis hears of no commit",
        _commits_that_redis_never_hears_of,
        store_scenarios.OLDER_POSTGRESQL,
    ),
    Mutant(
        "Redis remembers no lesson that has left it",
        _discards_that_redis_forgets,
        store_scenarios.OLDER_POSTGRESQL,
    ),
    Mutant(
        "a word on a stored lesson has no number",
        lambda: python(sites, "number_word", lambda: None),
        store_scenarios.OLDER_POSTGRESQL,
    ),
    Mutant(
        "a number that two commits have says nothing",
        lambda: lua("tell_word", "elseif mark == known and", "elseif false and"),
        store_scenarios.OLDER_POSTGRESQL,
    ),
    Mutant(
        "nobody compares what was acknowledged with both stores",
        lambda: python(returns.Watch, "look", lambda watch: None),
        store_scenarios.REMEMBERED,
    ),
    Mutant(
        "a finish is not remembered",
        lambda: python(ending, "NEWEST", NewestRevisions()),
        store_scenarios.REMEMBERED,
    ),
    Mutant(
        "nothing comes in from an older copy",
        lambda: python(news, "bring_in", lambda lessons: {}),
        store_scenarios.JOINED,
    ),
)
