"""Step 2: what was read from Redis, sorted by what PostgreSQL has of it.

A lesson is new or newer than what is stored, stored already, or older: then Redis
came back from a backup or from a replica that was behind.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.store import CorruptPayload, Snapshot, Unsnapped
from attendance.models import Attendance, LessonLedger, LessonWord
from attendance.services.persistence import older_copies
from attendance.services.persistence.row_values import Readable
from attendance.services.stores import words
from attendance.services.stores.lacks import WHOLE, Lack
from attendance.services.stores.sites import is_foreign

FOREIGN = "foreign_site: another site has started this lesson. Nothing of it is stored here."


class LessonToWrite(NamedTuple):
    """A lesson of which something may have to be written."""

    snapshot: Snapshot
    readable: Readable
    corrupt: Sequence[CorruptPayload]
    lack: Lack
    """What was seen of it before, and is not in the snapshot."""


class StoredLesson(NamedTuple):
    """A lesson whose snapshot is in PostgreSQL already."""

    snapshot: Snapshot
    quarantined: int
    lack: Lack


class RewoundLesson(NamedTuple):
    """A lesson of which PostgreSQL holds something newer."""

    snapshot: Snapshot
    differing: Sequence[CorruptPayload]
    """What says something else than PostgreSQL, which knows better."""
    news: Readable
    """What of the copy PostgreSQL lacks."""
    lack: Lack
    """What was seen of it before, and is not in the copy."""


class ChunkSnapshots(NamedTuple):
    """The lessons of one chunk, each in the list that says what has to be done."""

    to_write: list[LessonToWrite]
    stored: list[StoredLesson]
    rewound: list[RewoundLesson]
    unsnapped: dict[UUID, Unsnapped]

    @property
    def of_present(self) -> list[LessonToWrite | StoredLesson]:
        """Those of which PostgreSQL has nothing newer: once they are stored, Redis forgets them."""
        return [*self.to_write, *self.stored]

    @property
    def that_stay(self) -> list[LiveLesson]:
        """Those that Redis keeps for a person: older copies, and what lacks something."""
        lacking = [each.snapshot for each in self.of_present if not each.lack.is_whole]
        return [x.lesson for x in [*lacking, *(each.snapshot for each in self.rewound)]]


_ENTRY = (
    *("digest", "quarantined_count", "record_count", "seen_revision"),
    "accepted_revision",
)


def take_snapshots(
    lesson_ids: Sequence[UUID], *, sites: frozenset[str] = frozenset()
) -> ChunkSnapshots:
    """Snapshot claimed lessons and sort them by what PostgreSQL has of them.

    Lessons that were started by another site than these are left out. Raises LiveStoreUnavailable.
    """
    snapshots = ChunkSnapshots([], [], [], {})
    # Before the snapshots: what is acknowledged after this is newer than they are, not missing.
    rows = LessonLedger.objects.filter(lesson_id__in=lesson_ids).only(*_ENTRY)
    entries = {row.lesson_id: row for row in rows}
    said = words.words_of(lesson_ids)
    replies = store.snapshot_many(lesson_ids)
    # Read after the snapshots: nobody stores a claimed lesson in between.
    revisions = dict(Attendance.objects.filter(pk__in=lesson_ids).values_list("pk", "revision"))
    for lesson_id, snapshot in replies.items():
        if isinstance(snapshot, Unsnapped):
            snapshots.unsnapped[lesson_id] = snapshot
        elif is_foreign(snapshot.lesson.data.site, sites):
            snapshots.unsnapped[lesson_id] = Unsnapped("foreign", FOREIGN)
        else:
            lack = _lack(snapshot, entries.get(lesson_id), said.get(lesson_id))
            _sort(snapshots, snapshot, revisions.get(lesson_id), entries.get(lesson_id), lack)
    return snapshots


def _lack(snapshot: Snapshot, entry: LessonLedger | None, said: LessonWord | None) -> Lack:
    """What was counted, seen or acknowledged of a lesson, and the snapshot does not have."""
    lesson = snapshot.lesson
    if entry is not None and entry.accepted_revision == lesson.revision:
        return WHOLE
    counted = [lesson.record_count, *(each.record_count for each in (entry, said) if each)]
    seen = [entry.seen_revision if entry else 0, said.revision if said else 0]
    events = max(0, lesson.event_count - len(snapshot.raw_events))
    if said is not None:
        is_missing = said.request and not snapshot.has_event_of(words.request_of(said))
        events += said.lost + bool(is_missing)
    return Lack(
        records=max(0, max(counted) - snapshot.read),
        events=events,
        revisions=max(0, max(seen) - lesson.revision),
    )


def _sort(
    snapshots: ChunkSnapshots,
    snapshot: Snapshot,
    stored: int | None,
    entry: LessonLedger | None,
    lack: Lack,
) -> None:
    """`stored` is the revision that PostgreSQL has, `entry` what the ledger says."""
    revision = snapshot.lesson.revision
    digest = entry.digest if entry else ""
    if stored == revision and entry and digest == snapshot.digest:
        snapshots.stored.append(StoredLesson(snapshot, entry.quarantined_count, lack))
    elif stored is None or stored < revision or (stored == revision and not digest):
        decoded = snapshot.decode()
        readable = Readable(snapshot.lesson, decoded.records, decoded.events)
        snapshots.to_write.append(LessonToWrite(snapshot, readable, decoded.corrupt, lack))
    elif is_still_there(snapshot):
        differing, news = older_copies.compare(snapshot, stored=stored)
        snapshots.rewound.append(RewoundLesson(snapshot, differing, news, lack))
    else:
        # Another task discarded the lesson after this snapshot.
        snapshots.unsnapped[snapshot.lesson.id] = Unsnapped("not_found")


def is_still_there(snapshot: Snapshot) -> bool:
    """Whether Redis still holds the lesson at this revision; it is read again."""
    lesson = store.read_lessons([snapshot.lesson.id])[snapshot.lesson.id]
    return isinstance(lesson, LiveLesson) and lesson.revision == snapshot.lesson.revision


def lacks_of(snapshots: ChunkSnapshots) -> dict[UUID, Lack]:
    """What each lesson that is stored, or to be stored, lacks of what was seen."""
    return {each.snapshot.lesson.id: each.lack for each in snapshots.of_present}


def without_records(snapshots: ChunkSnapshots) -> ChunkSnapshots:
    """Drop what is not needed once the rows are written: the other lane needs the memory."""
    to_write = [
        each._replace(readable=Readable(each.snapshot.lesson, (), ()))
        for each in snapshots.to_write
    ]
    return snapshots._replace(to_write=to_write)
