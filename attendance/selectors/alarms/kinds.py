"""Every alarm that there is: its code, what it says, what to do, and what it does to /readyz."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from users.errors import AttnError
from users.errors import gettext_noop as _

NO_FACTS: Mapping[str, Any] = {}


class Severity(StrEnum):
    UNAVAILABLE = "unavailable"
    """Marks cannot be taken or kept: /readyz answers 503. A word of staff changes nothing of it."""
    ALARM = "alarm"
    """Somebody has to look: /readyz says `degraded` and 200 until that is acknowledged."""


class AlarmPart(StrEnum):
    """What an alarm is about; /readyz has a field for each."""

    POSTGRESQL = "postgresql"
    REDIS = "redis"
    MIGRATIONS = "migrations"
    LESSONS = "lessons"
    SITE = "site"
    SCHEDULER = "scheduler"
    FILES = "files"
    JOBS = "jobs"


class AlarmKind(NamedTuple):
    code: str
    """Stable: programs read it."""
    part: AlarmPart
    severity: Severity
    cause: str
    """A marked sentence without names of people; its values are facts of the alarm."""
    what_to_do: str
    check: str = ""
    """The id of its system check; where there is none, only the site tells of it."""
    may_be_acknowledged: bool = True

    @property
    def see(self) -> str:
        """Where to read more."""
        return f"docs/how-to/repair.md#{self.code}"


class FoundAlarm(NamedTuple):
    """An alarm that is on."""

    kind: AlarmKind
    subject: str = ""
    """Which of several: the id of a lesson, a server in a cluster."""
    cause: str = ""
    """What makes it this alarm and not a new one of the same kind; it never counts up by itself."""
    facts: Mapping[str, Any] = NO_FACTS
    error: AttnError | None = None
    """It says the cause better than the kind does."""
    about: str = ""
    """For staff only: the name of a lesson, what the ledger says."""
    since: datetime | None = None
    """Where its source knows it."""


def _unavailable(
    code: str, part: AlarmPart, cause: str, what_to_do: str, check: str = ""
) -> AlarmKind:
    kind = _alarm(code, part, cause, what_to_do, check)
    return kind._replace(severity=Severity.UNAVAILABLE, may_be_acknowledged=False)


def _alarm(code: str, part: AlarmPart, cause: str, what_to_do: str, check: str = "") -> AlarmKind:
    return AlarmKind(
        code=code,
        part=part,
        severity=Severity.ALARM,
        cause=cause,
        what_to_do=what_to_do,
        check=check,
    )


LIVE_STORE_UNREACHABLE = _unavailable(
    "live_store_unreachable",
    AlarmPart.REDIS,
    _("The live store cannot be reached."),
    _("Start it, or correct REDIS_URL."),
    "attn.W010",
)
LIVE_STORE_EVICTS = _unavailable(
    "live_store_evicts",
    AlarmPart.REDIS,
    _("The live store may evict lessons (maxmemory-policy %(value)s)."),
    _("Set maxmemory-policy noeviction."),
    "attn.E011",
)
LIVE_STORE_KEEPS_NOTHING = _unavailable(
    "live_store_keeps_nothing",
    AlarmPart.REDIS,
    _("The live store keeps nothing on disk (appendonly no)."),
    _("Set appendonly yes."),
    "attn.E012",
)
LIVE_STORE_WRITE_FAILED = _unavailable(
    "live_store_write_failed",
    AlarmPart.REDIS,
    _("The last write of the live store to its disk failed."),
    _("Free or repair its disk."),
    "attn.E013",
)
LIVE_STORE_SLOTS_MISSING = _unavailable(
    "live_store_slots_missing",
    AlarmPart.REDIS,
    _("The live store's cluster does not serve every slot (%(value)s)."),
    _("Bring its missing servers back, or give their slots to others."),
    "attn.E014",
)
LIVE_STORE_CLOCK_WRONG = _unavailable(
    "live_store_clock_wrong",
    AlarmPart.REDIS,
    _("The clock of the live store is outside 2000 to 2100: nothing can be stamped."),
    _("Set the clock of its machine right. Everything goes on by itself then."),
    "attn.E015",
)
FOREIGN_SITE = _unavailable(
    "foreign_site",
    AlarmPart.SITE,
    _("The live store holds the lessons of another site: nothing is stored and nothing removed."),
    _(
        "Correct REDIS_URL or DATABASE_URL. Where the other site is gone for good, take its "
        "lessons over: manage.py adopt_site."
    ),
    "attn.E016",
)
STORES_DISAGREE = _alarm(
    "stores_disagree",
    AlarmPart.SITE,
    _("PostgreSQL and the live store are of different ages: one came back from a backup."),
    _(
        "Look at manage.py reconcile, which names each lesson and what can be done. Settle it "
        "there when you have looked."
    ),
)
LIVE_STORE_SYNCS_LATE = _alarm(
    "live_store_syncs_late",
    AlarmPart.REDIS,
    _("The live store may lose acknowledged check-ins in a power cut (appendfsync %(value)s)."),
    _("Set appendfsync always."),
    "attn.W012",
)
LIVE_STORE_PAUSES_SYNCS = _alarm(
    "live_store_pauses_syncs",
    AlarmPart.REDIS,
    _(
        "The live store does not sync while it rewrites its file: a power cut then loses "
        "acknowledged check-ins (no-appendfsync-on-rewrite yes)."
    ),
    _("Set no-appendfsync-on-rewrite no."),
    "attn.W013",
)
LIVE_STORE_TELLS_NOTHING = _alarm(
    "live_store_tells_nothing",
    AlarmPart.REDIS,
    _("The live store does not tell its settings (CONFIG GET)."),
    _(
        "Make sure of: maxmemory-policy noeviction, appendonly yes, appendfsync always, "
        "no-appendfsync-on-rewrite no. Then acknowledge this."
    ),
    "attn.W011",
)
POSTGRESQL_UNREACHABLE = _unavailable(
    "postgresql_unreachable",
    AlarmPart.POSTGRESQL,
    _("PostgreSQL cannot be reached or does not answer in time."),
    _("Start it, or correct DATABASE_URL."),
    "attn.W020",
)
POSTGRESQL_STANDBY = _unavailable(
    "postgresql_standby",
    AlarmPart.POSTGRESQL,
    _("PostgreSQL is a standby and takes no writes."),
    _("Promote it, or let DATABASE_URL name the primary."),
    "attn.E022",
)
POSTGRESQL_FSYNC_OFF = _alarm(
    "postgresql_fsync_off",
    AlarmPart.POSTGRESQL,
    _("PostgreSQL does not write to disk what it commits (fsync off)."),
    _("Set fsync on."),
    "attn.E020",
)
POSTGRESQL_PAGES_TEAR = _alarm(
    "postgresql_pages_tear",
    AlarmPart.POSTGRESQL,
    _("A power cut may tear PostgreSQL's pages (full_page_writes off)."),
    _("Set full_page_writes on."),
    "attn.W021",
)
POSTGRESQL_COMMITS_EARLY = _alarm(
    "postgresql_commits_early",
    AlarmPart.POSTGRESQL,
    _("PostgreSQL acknowledges what is not on its disk (synchronous_commit %(value)s)."),
    _(
        "Set synchronous_commit on for the account of the site, and let the pooler open its "
        "connections anew."
    ),
    "attn.E021",
)
MIGRATIONS_MISSING = _unavailable(
    "migrations_missing",
    AlarmPart.MIGRATIONS,
    _("Migrations are missing."),
    _("Run manage.py migrate."),
    "attn.W022",
)
LESSON_LATE = _alarm(
    "lesson_late",
    AlarmPart.LESSONS,
    _("A lesson waits to be stored for longer than it should."),
    _("Let a scheduler or a timer run the persistence task."),
)
LESSON_LOST = _alarm(
    "lesson_lost",
    AlarmPart.LESSONS,
    _("A lesson is lost from the live store."),
    _(
        "Restore the live store's file, or ask the students for their receipts. Settle the lesson "
        "when nothing more can come."
    ),
)
LESSON_UNREADABLE = _alarm(
    "lesson_unreadable",
    AlarmPart.LESSONS,
    _("A lesson is unreadable and waits in the live store."),
    _("Mend its data, and retry it in the quarantine."),
)
LESSON_REWOUND = _alarm(
    "lesson_rewound",
    AlarmPart.LESSONS,
    _("The live store holds an older copy of a lesson than PostgreSQL."),
    _(
        "Compare what is in quarantine, then remove the copy's keys. The alarm ends with the "
        "next run."
    ),
)
LESSON_INCOMPLETE = _alarm(
    "lesson_incomplete",
    AlarmPart.LESSONS,
    _("The live store lacks something of a lesson that was seen before; the rest is stored."),
    _(
        "Ask the students for their receipts, or bring the newer copy back. Where nothing more "
        "will come, accept what is there: manage.py reconcile."
    ),
)
LESSON_FAILED = _alarm(
    "lesson_failed",
    AlarmPart.LESSONS,
    _("A lesson could not be stored yet."),
    _("It is tried again by itself. Look at the error, and mend what it names."),
)
QUARANTINE_OPEN = _alarm(
    "quarantine_open",
    AlarmPart.LESSONS,
    _("Something of a lesson is in quarantine and waits for a person."),
    _("Open the quarantine: retry each payload, correct a copy and replay it, or set it aside."),
)
TOTALS_WRONG = _alarm(
    "totals_wrong",
    AlarmPart.LESSONS,
    _("%(n)d totals of people in courses are not what their marks add up to."),
    _("Run manage.py verify_totals --repair. The marks themselves are right."),
)
TOTALS_UNVERIFIED = _alarm(
    "totals_unverified",
    AlarmPart.LESSONS,
    _("Nobody has compared the totals with the marks for two days."),
    _("Let a scheduler run, or run manage.py verify_totals."),
)
# It is this process's own, and the next request revives it: nobody has a word on it.
SCHEDULER_STOPPED = _alarm(
    "scheduler_stopped",
    AlarmPart.SCHEDULER,
    _("The scheduler of this process stands still."),
    _("Start the site again."),
)._replace(may_be_acknowledged=False)
# It ends with the next run, and a word about it would stand for the next time as well.
SCHEDULER_LATE = _alarm(
    "scheduler_late",
    AlarmPart.SCHEDULER,
    _("No scheduled run has begun for a long time."),
    _("Start the site again."),
)._replace(may_be_acknowledged=False)
JOBS_LATE = _alarm(
    "jobs_late",
    AlarmPart.JOBS,
    _(
        "A mail or another job waits for more than a quarter of an hour to be sent; "
        "%(waiting)d wait."
    ),
    _("Look at the jobs to send: they say what the mail server answers."),
)
EVIDENCE_NOT_KEPT = _alarm(
    "evidence_not_kept",
    AlarmPart.FILES,
    _("No file can be kept in ATTN_EVIDENCE_FOLDER: %(value)s."),
    _("Let the account of the site write there, or name another folder."),
    "attn.E004",
)

KINDS: Mapping[str, AlarmKind] = {
    kind.code: kind for kind in list(vars().values()) if isinstance(kind, AlarmKind)
}
