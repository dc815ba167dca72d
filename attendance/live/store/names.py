"""The names of a lesson: keys that hold its id while it lives.

Before a lesson leaves Redis its names are noted, and crossed out once they are freed: a later
run frees those of a task that died in between. A short code is not freed but retired: it says
that its lesson is over, so that an old link opens no other lesson.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from attendance.errors import LiveStoreUnavailable
from attendance.live import client, codes, keys
from attendance.live.payloads import LessonData, LiveLesson
from attendance.live.store import queue, reading
from attendance.live.store.reading import Missing
from users.errors import gettext_noop as _

logger = logging.getLogger(__name__)

CODE_KEPT = timedelta(days=150)
"""How long the short code of a lesson that has left Redis is given to no other: a term."""
CODE_OF_A_START = timedelta(days=1)
"""How long a start may take: until its lesson goes live, its code is kept no longer."""
CODE_ATTEMPTS = 100
_OVER = b"over:"
_NO_END = -1


def names_that_exclude(data: LessonData) -> list[str]:
    """One lesson at a time has each of these: its section's, where it has one, and its teacher's.

    The section comes first: whoever finds it taken joins that lesson.
    """
    section = [keys.section(data.section.id)] if data.section is not None else []
    return [*section, keys.teacher(data.teacher.school_number)]


def names_of(data: LessonData) -> list[str]:
    """All of them; they are freed once the lesson has left the live store."""
    code = [keys.code(data.short_code)] if data.short_code else []
    return [*names_that_exclude(data), *code]


def note_names(lessons: Iterable[LiveLesson]) -> None:
    """Before lessons leave Redis: note their names. Raises LiveStoreUnavailable."""
    members = {member: 0 for lesson in lessons for member in _members(lesson)}
    if members:
        client.command(lambda redis: redis.zadd(keys.NAMES, members))


def cross_out_names(lessons: Iterable[LiveLesson]) -> None:
    """Their names are free, or they stay in Redis after all. Raises LiveStoreUnavailable."""
    members = [member for lesson in lessons for member in _members(lesson)]
    if members:
        client.command(lambda redis: redis.zrem(keys.NAMES, *members))


def _members(lesson: LiveLesson) -> list[str]:
    return [f"{lesson.id}|{name}" for name in names_of(lesson.data)]


def free_names(lessons: Sequence[LiveLesson]) -> None:
    """After a discard: remove the lessons from due, and the names that still stand for them.

    Raises LiveStoreUnavailable.
    """
    queue.drop_due([lesson.id for lesson in lessons])
    _free([(lesson.id, name) for lesson in lessons for name in names_of(lesson.data)])
    cross_out_names(lessons)


def free_names_left() -> None:
    """Free the noted names of lessons that Redis does not hold: whoever removed them died.

    Raises LiveStoreUnavailable.
    """
    members = client.command(lambda redis: redis.zrange(keys.NAMES, 0, -1))
    noted = {member: _noted(member) for member in members}
    ids = {pair[0] for pair in noted.values() if pair}
    lessons = reading.read_lessons(sorted(ids))
    left = {
        member: pair
        for member, pair in noted.items()
        if pair is None or lessons[pair[0]] is Missing.NOT_FOUND
    }
    if left:
        _free([pair for pair in left.values() if pair])
        client.command(lambda redis: redis.zrem(keys.NAMES, *left))
        logger.warning("%d names of lessons that had left Redis are freed", len(left))


def _noted(member: bytes) -> tuple[UUID, str] | None:
    raw, _bar, name = member.partition(b"|")
    lesson_id = queue.lesson_id(raw)
    is_name = name.startswith((b"attn:teacher:", b"attn:section:", b"attn:code:"))
    return (lesson_id, name.decode("utf-8", "replace")) if lesson_id and is_name else None


def _free(names: Iterable[tuple[UUID, str]]) -> None:
    calls = [_call_to_free(lesson_id, name) for lesson_id, name in names]
    if calls:
        client.run_many(calls)


def _call_to_free(lesson_id: UUID, name: str) -> client.Call:
    if not name.startswith(keys.code("")):
        return client.Call("compare_and_delete", [name], (str(lesson_id),))
    over = _OVER + str(lesson_id).encode()
    return client.Call("retire_code", [name], (str(lesson_id), over, _milliseconds(CODE_KEPT)))


def take_code(lesson_id: UUID) -> str:
    """Four letters that name no lesson, and named none within a term; they are taken.

    Where there are none, those of the lesson that has been over for longest, of all that were
    tried. Raises LiveStoreUnavailable.
    """
    oldest: tuple[int, str, bytes] | None = None
    for _attempt in range(CODE_ATTEMPTS):
        short = codes.new_short_code()
        held = _take_code(lesson_id, short, b"")
        if held is None:
            return short
        value, left_ms = held
        if value.startswith(_OVER):
            oldest = min(oldest or (left_ms, short, value), (left_ms, short, value))
        elif left_ms == _NO_END:
            _retire_if_gone(short, value)
    if oldest and _take_code(lesson_id, oldest[1], oldest[2]) is None:
        logger.warning("No short code was unused for %s: the oldest is used again", CODE_KEPT)
        return oldest[1]
    raise LiveStoreUnavailable(_("No short code is free. Try again in a moment."))


def _take_code(lesson_id: UUID, short: str, expected: bytes) -> tuple[bytes, int] | None:
    """None where it is taken; otherwise what holds it, and for how many more milliseconds."""
    args = (str(lesson_id), _milliseconds(CODE_OF_A_START), expected)
    reply = client.run("take_code", [keys.code(short)], args)
    return None if reply[0] == b"taken" else (reply[1], int(reply[2]))


def _retire_if_gone(short: str, value: bytes) -> None:
    """A lesson that somebody has removed by hand left its code."""
    lesson_id = queue.lesson_id(value)
    if lesson_id and reading.read_lessons([lesson_id])[lesson_id] is Missing.NOT_FOUND:
        _free([(lesson_id, keys.code(short))])


def keep_code(lesson_id: UUID, short_code: str) -> bool:
    """Before a lesson goes live: its code stays until it leaves. False where another has it."""
    if not short_code:
        return True
    reply = client.run("take_name", [keys.code(short_code)], ("", str(lesson_id)))
    return bool(reply[0] == b"taken")


def is_code_over(short_code: str) -> bool:
    """Whether these letters name a lesson that is over. Raises LiveStoreUnavailable."""
    value = queue.read_name(keys.code(short_code))
    if value.startswith(_OVER):
        return True
    lesson_id = queue.lesson_id(value)
    lesson = reading.read_lessons([lesson_id])[lesson_id] if lesson_id else None
    return isinstance(lesson, LiveLesson) and lesson.is_over


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
