"""The tables that persistence keeps: ledger, runs and quarantine."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models import rules
from attendance.vocabulary import (
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    LessonState,
    PayloadKind,
    PayloadState,
    Trigger,
)
from users.identity import LONGEST_FULL_NAME, LONGEST_SCHOOL_NUMBER

OPEN_STATES = tuple(set(LessonState) - {LessonState.DISCARDED, LessonState.LOST})

LOST = Q(state=LessonState.LOST, settled_at=None)
REWOUND = Q(last_error__startswith="rewound")
INCOMPLETE = Q(incomplete_since__isnull=False)
WATCHED = ~Q(state__in=[LessonState.DISCARDED, LessonState.LOST]) | LOST | REWOUND | INCOMPLETE
"""What waits or needs a person: few lessons, of which an index knows among millions."""


class LessonLedgerQuerySet(models.QuerySet["LessonLedger"]):
    def open(self) -> "LessonLedgerQuerySet":
        """The lessons that Redis must still hold."""
        return self.filter(state__in=OPEN_STATES)

    def waiting(self, at: datetime) -> "LessonLedgerQuerySet":
        """The lessons that were over at `at` and are not stored yet."""
        unstored = (LessonState.SCHEDULED, LessonState.LIVE, LessonState.ENDED, LessonState.FAILED)
        return self.filter(state__in=unstored, ends_at__lte=at)

    def in_state(self, state: str, at: datetime) -> "LessonLedgerQuerySet":
        """The lessons that were in a state at `at`, also where their row has an earlier state."""
        return self.filter(is_in_state(state, at))

    def count_states(self, at: datetime) -> dict[str, int]:
        """How many lessons were in each state at `at`, but for those of `DISCARDED`, by indexes."""
        rows = self.filter(Q(state__in=OPEN_STATES)).annotate(state_now=_state_at(at))
        counts = dict(rows.values_list("state_now").annotate(n=Count("pk")).order_by())
        lost = self.filter(state=LessonState.LOST).count()
        return counts | {LessonState.LOST: lost} if lost else counts


def _state_at(at: datetime) -> Case:
    """The state at an instant, by the clock: the ledger is updated only with the next run."""
    by_the_clock = (LessonState.SCHEDULED, LessonState.LIVE)
    over = When(state__in=by_the_clock, ends_at__lte=at, then=Value(LessonState.ENDED))
    started = When(state=LessonState.SCHEDULED, starts_at__lte=at, then=Value(LessonState.LIVE))
    return Case(over, started, default=F("state"))


def is_in_state(state: str, at: datetime) -> Q:
    """As `_state_at`, as conditions on columns, which indexes serve."""
    is_over = Q(ends_at__lte=at)
    # Not `~is_over`: what has no end is not over, and indexes do not serve a negation.
    is_not_over = Q(ends_at__gt=at) | Q(ends_at=None)
    has_not_begun = Q(starts_at__gt=at) | Q(starts_at=None)
    if state == LessonState.ENDED:
        moving = Q(state__in=[LessonState.SCHEDULED, LessonState.LIVE])
        return Q(state=state) | (moving & is_over)
    if state == LessonState.LIVE:
        begun = Q(state=LessonState.SCHEDULED, starts_at__lte=at)
        return (Q(state=state) | begun) & is_not_over
    if state == LessonState.SCHEDULED:
        return Q(state=state) & is_not_over & has_not_begun
    return Q(state=state)


class LessonLedger(models.Model):
    """One row for each lesson that ATTN has seen, with its state."""

    lesson_id = models.UUIDField(_("lesson id"), primary_key=True)
    # Copies, not foreign keys: a lesson is known here before its users are.
    lesson_name = models.CharField(_("lesson"), max_length=LONGEST_LESSON_NAME, blank=True)
    teacher_number = models.CharField(_("teacher"), max_length=LONGEST_SCHOOL_NUMBER, blank=True)
    teacher_name = models.CharField(_("teacher's name"), max_length=LONGEST_FULL_NAME, blank=True)
    section_id = models.BigIntegerField(_("course"), null=True)
    starts_at = models.DateTimeField(_("starts at"), null=True)
    ends_at = models.DateTimeField(_("ends at"), null=True)
    state = models.CharField(_("state"), max_length=12, choices=LessonState)
    record_count = models.PositiveIntegerField(_("records seen"), default=0)
    """The most that Redis ever counted."""
    seen_revision = models.BigIntegerField(_("newest revision seen"), default=0, db_default=0)
    """The highest that Redis ever had: a copy below it lacks something."""
    stored_revision = models.BigIntegerField(_("revision stored"), null=True)
    missing_count = models.PositiveIntegerField(_("records missing"), default=0, db_default=0)
    """Records that were seen, or counted, and were not in Redis when the lesson was stored."""
    incomplete_since = models.DateTimeField(_("incomplete since"), null=True)
    accepted_revision = models.BigIntegerField(null=True, editable=False)
    """Somebody has decided that nothing more will come to what Redis has at this revision."""
    quarantined_count = models.PositiveIntegerField(_("quarantined"), default=0)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True)
    last_error = models.TextField(_("last error"), blank=True)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    first_seen_at = models.DateTimeField(_("first seen at"), default=timezone.now)
    persisted_at = models.DateTimeField(_("stored at"), null=True)
    discarded_at = models.DateTimeField(_("discarded at"), null=True)
    # Of a lost lesson: who has done what could be done. It stays lost.
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        # Few lessons are lost, and every lesson would have an entry in the index.
        db_index=False,
        verbose_name=_("settled by"),
    )
    settled_reason = models.CharField(
        _("why settled"), max_length=LONGEST_REASON, blank=True, db_default=""
    )

    objects = LessonLedgerQuerySet.as_manager()

    class Meta:
        verbose_name = _("lesson in the ledger")
        verbose_name_plural = _("lesson ledger")
        ordering = ("-starts_at", "-lesson_id")
        indexes = (
            models.Index(
                fields=("lesson_id",),
                name="lesson_ledger_open",
                condition=~Q(state__in=[LessonState.DISCARDED, LessonState.LOST]),
            ),
            models.Index(fields=("lesson_id",), name="lesson_ledger_watched", condition=WATCHED),
            models.Index(
                fields=("lesson_id",),
                name="lesson_ledger_lost",
                condition=Q(state=LessonState.LOST),
            ),
            models.Index(fields=("-starts_at", "-lesson_id"), name="lesson_ledger_newest_first"),
            models.Index(fields=("teacher_number", "lesson_id"), name="lesson_ledger_of_teacher"),
            models.Index(
                fields=("section_id", "lesson_id"),
                name="lesson_ledger_of_section",
                condition=~Q(section_id=None),
            ),
        )
        constraints = (
            rules.value_is_known("lesson_ledger_state_is_known", "state", LessonState),
            models.CheckConstraint(
                name="lesson_ledger_discarded_was_persisted",
                condition=Q(discarded_at=None) | Q(persisted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="lesson_ledger_settled_is_explained",
                condition=Q(settled_at=None, settled_by=None, settled_reason="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(settled_reason="")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.lesson_name or self.lesson_id}: {self.get_state_display()}"


class LessonWord(models.Model):
    """The newest word of a person that Redis has taken of a lesson, before it was acknowledged.

    A table of its own: a task that stands still holds the ledger's row.
    """

    lesson_id = models.UUIDField(primary_key=True)
    revision = models.BigIntegerField()
    record_count = models.PositiveIntegerField()
    request = models.CharField(max_length=200, blank=True)
    """The id of its request and the digest, with a space between."""
    lost = models.PositiveIntegerField(default=0, db_default=0)
    """Words that a copy lacked which has gone on since: its revisions hide that."""

    def __str__(self) -> str:
        return f"{self.lesson_id} at {self.revision}"


class PersistenceRun(models.Model):
    """One run of the unified persistence task, counted as its chunks commit."""

    trigger = models.CharField(_("started by"), max_length=10, choices=Trigger)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    lessons = models.PositiveIntegerField(_("lessons"), default=0)
    recorded = models.BigIntegerField(_("captured"), default=0)
    read = models.BigIntegerField(_("read"), default=0)
    inserted = models.BigIntegerField(_("inserted"), default=0)
    updated = models.BigIntegerField(_("updated"), default=0)
    unchanged = models.BigIntegerField(_("unchanged"), default=0)
    quarantined = models.BigIntegerField(_("quarantined"), default=0)
    # Beside the sums: nobody captured these.
    expected = models.BigIntegerField(_("expected"), default=0)
    marked_absent = models.BigIntegerField(_("marked absent"), default=0)
    failed = models.PositiveIntegerField(_("failed lessons"), default=0)
    # How far each store had come: docs/explanation/protocol.md#stores-of-different-ages.
    live_mark = models.BigIntegerField(null=True, editable=False)
    commit_mark = models.BigIntegerField(null=True, editable=False)
    is_interrupted = models.BooleanField(_("interrupted"), default=False)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("persistence run")
        verbose_name_plural = _("persistence runs")
        ordering = ("-id",)
        indexes = (
            # Of a run in five minutes, for years, the few that somebody looks for.
            models.Index(
                fields=("trigger", "-id"),
                name="persistence_run_unscheduled",
                condition=~Q(trigger=Trigger.SCHEDULER),
            ),
            models.Index(
                fields=("-id",),
                name="persistence_run_interrupted",
                condition=Q(is_interrupted=True),
            ),
            models.Index(fields=("-started_at",), name="persistence_run_started"),
        )
        constraints = (
            rules.value_is_known("persistence_run_trigger_is_known", "trigger", Trigger),
            models.CheckConstraint(
                name="persistence_run_sums_agree",
                condition=Q(read=F("inserted") + F("updated") + F("unchanged") + F("quarantined")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_trigger_display()}, {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"

    @property
    def seconds(self) -> float | None:
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class QuarantinedPayload(models.Model):
    """What could not be read or stored, byte for byte; the bytes stay for ever."""

    lesson_id = models.UUIDField(_("lesson id"), db_index=False)
    kind = models.CharField(_("kind"), max_length=10, choices=PayloadKind)
    field = models.CharField(_("field"), max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, editable=False)
    payload = models.BinaryField(_("payload"))
    reason = models.TextField(_("why"))
    found_at = models.DateTimeField(_("found at"), default=timezone.now)
    state = models.CharField(
        _("state"), max_length=10, choices=PayloadState, default=PayloadState.OPEN
    )
    corrected = models.TextField(_("corrected copy"), blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    settled_reason = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)

    class Meta:
        verbose_name = _("quarantined payload")
        verbose_name_plural = _("quarantine")
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("-id",),
                name="quarantined_payload_open",
                condition=Q(state=PayloadState.OPEN),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("lesson_id", "kind", "field", "sha256"),
                name="quarantined_payload_kept_once",
            ),
            rules.value_is_known("quarantined_payload_kind_is_known", "kind", PayloadKind),
            rules.value_is_known("quarantined_payload_state_is_known", "state", PayloadState),
            models.CheckConstraint(
                name="quarantined_payload_settled_by_somebody",
                condition=Q(state=PayloadState.OPEN, settled_at=None, settled_by=None)
                | (
                    ~Q(state=PayloadState.OPEN)
                    & Q(settled_at__isnull=False, settled_by__isnull=False)
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.field}: {self.reason}"
