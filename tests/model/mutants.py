"""The real code with one guard taken out: the model has to find what goes wrong then."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from attendance.errors import LessonNotFound, LiveStoreUnavailable
from attendance.live import store
from attendance.live.payloads import RequestKey
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.selectors import whereabouts
from attendance.services import corrections, ledger, request_keys
from attendance.services.persistence import discard, parked, rows, runs, snapshots
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.services.receipts import lessons as lessons_from_receipts
from attendance.services.stores import stored_revisions
from attendance.services.stores.lacks import Lack
from tests.model import alias_mutants, scenarios, section_mutants, store_mutants
from tests.model.taking_out import Mutant, lua, python, sql


def _discard_before_the_commit() -> AbstractContextManager[None]:
    write_down = parked.write_down

    def too_early(read: ChunkSnapshots) -> None:
        write_down(read)
        discard.tidy_and_discard(read, runs.Book(), commit=0)

    return python(parked, "write_down", too_early)


def _error_as_absence() -> AbstractContextManager[None]:
    live = corrections._correct_live

    def correct(correction: corrections.Correction, request: RequestKey) -> Any:
        try:
            return live(correction, request)
        except LiveStoreUnavailable:
            raise LessonNotFound from None

    return python(corrections, "_correct_live", correct)


@contextmanager
def _discard_whatever_has_changed() -> Iterator[None]:
    with (
        lua("discard_if_unchanged", " or ARGV[1] ~= int(lesson.revision)", ""),
        lua("discard_if_unchanged", "ARGV[2] ~= (redis", "false and (redis"),
    ):
        yield


def _nobody_is_overruled() -> AbstractContextManager[None]:
    return python(rows, "_overruled_records", lambda lessons, users: defaultdict(list))


@contextmanager
def _every_copy_is_new() -> Iterator[None]:
    """Both guards: the one behind it finds the same."""
    sort = snapshots._sort

    def unsorted(
        read: ChunkSnapshots,
        snapshot: store.Snapshot,
        stored: int | None,
        entry: LessonLedger | None,
        lack: Lack,
    ) -> None:
        sort(read, snapshot, None, entry, lack)

    with python(snapshots, "_sort", unsorted), _nobody_is_overruled():
        yield


@contextmanager
def _no_lift() -> Iterator[None]:
    """Neither for a word nor for a lesson that a receipt has made."""
    rebuilt = python(lessons_from_receipts, "LOST_LIFT", 0)
    with python(stored_revisions, "LOST_LIFT", 0), rebuilt:
        yield


def _due_before_discard() -> AbstractContextManager[None]:
    discard = store.discard_if_unchanged

    def too_late(
        stored: Sequence[store.Snapshot], **options: Any
    ) -> dict[UUID, store.DiscardOutcome]:
        store.drop_due([each.lesson.id for each in stored])
        return discard(stored, **options)

    return python(store, "discard_if_unchanged", too_late)


def _same_revision_in_postgresql() -> AbstractContextManager[None]:
    write = corrections._write_stored

    def written(
        attendance: Attendance,
        row: AttendanceRecord | None,
        correction: corrections.Correction,
        request: RequestKey,
        source: str,
    ) -> Any:
        attendance.revision -= 1
        return write(attendance, row, correction, request, source)

    return python(corrections, "_write_stored", written)


_KNOWN = "return known == digest and 'repeated' or 'reused'"
_UNKNOWN = "if not known then return nil end"


@contextmanager
def _a_digest_that_redis_ignores() -> Iterator[None]:
    with (
        lua("read_record", _KNOWN, "return 'repeated'"),
        lua("correct", _KNOWN, "return 'repeated'"),
    ):
        yield


@contextmanager
def _requests_that_redis_forgets() -> Iterator[None]:
    with (
        lua("read_record", _UNKNOWN, "do return nil end"),
        lua("correct", _UNKNOWN, "do return nil end"),
    ):
        yield


def _a_digest_that_postgresql_ignores() -> AbstractContextManager[None]:
    def is_stored(lesson_id: UUID, request: RequestKey) -> bool:
        return AttendanceEvent.objects.filter(
            attendance_id=lesson_id, request_id=request.id
        ).exists()

    return python(request_keys, "is_stored", is_stored)


def _stale_word_about_a_discard() -> AbstractContextManager[None]:
    settle = ledger.settle_discards

    def settled(gone: Collection[UUID], *, still_there: Mapping[UUID, str]) -> None:
        stored_now = LessonLedger.objects.filter(pk__in=still_there)
        settle(gone, still_there=dict(stored_now.values_list("lesson_id", "digest")))

    return python(ledger, "settle_discards", settled)


ALL = (
    Mutant("discard before the commit", _discard_before_the_commit, scenarios.DEATHS),
    Mutant(
        "DO NOTHING for known records",
        lambda: sql(
            r"DO UPDATE SET .* WHERE stored.revision < EXCLUDED.revision"
            r" OR stored\.source = 'system'",
            "DO NOTHING",
        ),
        scenarios.EDITS,
    ),
    Mutant(
        "discard whatever the revision",
        lambda: lua("discard_if_unchanged", " or ARGV[1] ~= int(lesson.revision)", ""),
        scenarios.JUMPS,
    ),
    Mutant("discard whatever has changed", _discard_whatever_has_changed, scenarios.EDITS),
    Mutant(
        "discard also before the end",
        lambda: lua(
            "discard_if_unchanged",
            "if now < lesson.ends_at then return {'not_over'} end",
            "",
        ),
        scenarios.ENDS,
    ),
    Mutant(
        "discard whatever the last event",
        lambda: lua("discard_if_unchanged", "ARGV[2] ~= (redis", "false and (redis"),
        scenarios.REWOUND,
    ),
    Mutant(
        "a word that was overruled is counted as unchanged",
        _nobody_is_overruled,
        scenarios.REWOUND,
    ),
    Mutant("an error taken for absence", _error_as_absence, scenarios.OUTAGE),
    Mutant("a rewound copy taken for a new one", _every_copy_is_new, scenarios.REWOUND),
    Mutant(
        "a rewound copy taken for one that is gone",
        lambda: python(snapshots, "is_still_there", lambda snapshot: False),
        scenarios.REWOUND,
    ),
    Mutant("no lift for a lost lesson", _no_lift, scenarios.LOST),
    Mutant(
        "the ledger is not asked where to correct",
        lambda: python(whereabouts, "is_discarded", lambda lesson_id: False),
        scenarios.REWOUND,
    ),
    Mutant(
        "a check-in raises no revision",
        lambda: lua(
            "check_in",
            "local revision = int(lesson.revision + 1)",
            "local revision = int(lesson.revision)",
        ),
        scenarios.ENDS,
    ),
    Mutant(
        "a correction raises no revision",
        lambda: lua(
            "correct",
            "local revision = int(lesson.revision + 1)",
            "local revision = int(lesson.revision)",
        ),
        scenarios.EDITS,
    ),
    Mutant(
        "a correction in PostgreSQL raises no revision",
        _same_revision_in_postgresql,
        scenarios.EDITS,
    ),
    Mutant(
        "a correction does not look at the revision that was read",
        lambda: lua(
            "correct",
            "if ARGV[3] ~= (stamp and split(stamp)[1] or '0') then return {'conflict'} end",
            "",
        ),
        scenarios.OVERTAKEN,
    ),
    Mutant(
        "a late word about a discard is believed",
        _stale_word_about_a_discard,
        scenarios.EDITS,
    ),
    Mutant("due is left before the lesson is discarded", _due_before_discard, scenarios.EDITS),
    Mutant(
        "a teacher's name is taken whoever has it",
        lambda: lua(
            "take_name",
            "if holder ~= ARGV[1] and holder ~= ARGV[2] then return {'held', holder} end",
            "",
        ),
        scenarios.STARTS,
    ),
    Mutant(
        "a name is freed whoever has it",
        lambda: lua(
            "compare_and_delete",
            "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'other'} end",
            "",
        ),
        scenarios.STARTS,
    ),
    Mutant(
        "one id is one change in Redis, whatever is asked",
        _a_digest_that_redis_ignores,
        scenarios.REUSED,
    ),
    Mutant(
        "one id is one change in PostgreSQL, whatever is asked",
        _a_digest_that_postgresql_ignores,
        scenarios.REUSED,
    ),
    Mutant("a repeat in Redis is done again", _requests_that_redis_forgets, scenarios.REUSED),
    *section_mutants.ALL,
    *store_mutants.ALL,
    *alias_mutants.ALL,
)
