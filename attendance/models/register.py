"""The register in PostgreSQL: one attendance per lesson, one record per student."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models import rules
from attendance.vocabulary import (
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    LONGEST_REQUEST_ID,
    EventKind,
    Refusal,
    Source,
    Status,
)
from users.identity import (
    LONGEST_FULL_NAME,
    LONGEST_SCHOOL_NUMBER,
    SCHOOL_NUMBER_PATTERN,
)


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    def kept(self) -> "AttendanceQuerySet":
        """Leave out what is flagged as deleted."""
        return self.filter(deleted_at=None)

    def with_counts(self) -> "AttendanceQuerySet":
        """Annotate `record_total` and `present_total`, without a query per row."""
        records = AttendanceRecord.objects.filter(attendance=models.OuterRef("pk"), deleted_at=None)

        def count(rows: "models.QuerySet[AttendanceRecord]") -> Coalesce:
            total = rows.order_by().values("attendance").annotate(n=models.Count("pk")).values("n")
            return Coalesce(models.Subquery(total), 0)

        here = records.filter(status__in=[Status.PRESENT, Status.LATE])
        return self.annotate(record_total=count(records), present_total=count(here))


class Attendance(rules.SoftDeleted):
    """The persisted register of one lesson; its id is the lesson's."""

    id = models.UUIDField(primary_key=True)
    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="attendances",
        verbose_name=_("teacher"),
    )
    teacher_name = models.CharField(_("teacher's name then"), max_length=LONGEST_FULL_NAME)
    lesson_name = models.CharField(_("lesson"), max_length=LONGEST_LESSON_NAME)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    section = models.ForeignKey(
        "courses.Section",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="attendances",
        # The index below serves look-ups by section.
        db_index=False,
        verbose_name=_("course"),
    )
    policy = models.ForeignKey(
        "courses.Policy",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("version of the rule"),
    )
    held_on = models.DateField(_("day"), null=True, blank=True)
    """The day of the start, in the section's time zone: the roster is of this day."""
    opens_before_s = models.PositiveIntegerField(_("opens before the start (s)"), default=0)
    late_after_s = models.PositiveIntegerField(_("late after (s)"), null=True, blank=True)
    absent_after_s = models.PositiveIntegerField(_("absent after (s)"), null=True, blank=True)
    roster_closed_at = models.DateTimeField(_("roster closed at"), null=True, editable=False)
    """When those who were missing got their mark; it happens once."""
    not_held_at = models.DateTimeField(_("said not to be held at"), null=True, editable=False)
    not_held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    not_held_reason = models.CharField(
        _("why it was not held"), max_length=LONGEST_REASON, blank=True, editable=False
    )
    checks = models.JSONField(_("checks"), default=list)
    networks = models.JSONField(_("networks"), default=list)
    revision = models.BigIntegerField(_("revision"))
    persisted_at = models.DateTimeField(_("stored at"), default=timezone.now)

    objects = AttendanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendances")
        ordering = ("-starts_at", "-id")
        indexes = (
            models.Index(fields=("-starts_at", "-id"), name="attendance_newest_first"),
            models.Index(
                fields=("section", "id"),
                name="attendance_of_section",
                condition=~Q(section=None),
            ),
            models.Index(
                fields=("-starts_at", "-id"),
                name="attendance_deleted",
                condition=Q(deleted_at__isnull=False),
            ),
        )
        constraints = (
            rules.ends_after_start("attendance_ends_not_before_it_starts"),
            rules.instants_are_sane(
                "attendance_instants_are_sane",
                "starts_at",
                "ends_at",
                "roster_closed_at",
                "not_held_at",
            ),
            models.CheckConstraint(
                name="attendance_of_section_has_its_day",
                condition=Q(section=None) | Q(held_on__isnull=False),
            ),
            models.CheckConstraint(
                name="attendance_with_policy_has_section",
                condition=Q(policy=None) | Q(section__isnull=False),
            ),
            models.CheckConstraint(
                name="attendance_roster_is_of_a_section",
                condition=Q(roster_closed_at=None) | Q(section__isnull=False),
            ),
            models.CheckConstraint(
                name="attendance_not_held_is_explained",
                condition=Q(not_held_at=None, not_held_by=None, not_held_reason="")
                | (
                    Q(not_held_at__isnull=False, not_held_by__isnull=False) & ~Q(not_held_reason="")
                ),
            ),
            rules.not_negative("attendance_revision_counts_up", "revision"),
            rules.deletion_is_explained("attendance_deletion_is_explained"),
            models.CheckConstraint(
                name="attendance_has_a_name", condition=~Q(lesson_name="") & ~Q(teacher_name="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.lesson_name}, {timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"


class AttendanceRecord(rules.SoftDeleted):
    """One student in one attendance."""

    attendance = models.ForeignKey(
        # The unique constraint below serves look-ups by attendance.
        Attendance,
        models.PROTECT,
        related_name="records",
        db_index=False,
    )
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="attendance_records"
    )
    school_number = models.CharField(
        _("number seen at the lesson"), max_length=LONGEST_SCHOOL_NUMBER
    )
    """It stays where the student gets another number; the student does as well."""
    full_name = models.CharField(_("name seen at the lesson"), max_length=LONGEST_FULL_NAME)
    status = models.CharField(_("status"), max_length=10, choices=Status)
    checked_in_at = models.DateTimeField(_("checked in at"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    reason = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)
    is_expected = models.BooleanField(_("was expected"), null=True, blank=True)
    """As the roster was when it was closed; None before that, and without a section."""
    absence = models.ForeignKey(
        "courses.Absence",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        # Few records have one.
        db_index=False,
        verbose_name=_("excused by"),
    )
    device_group = models.PositiveSmallIntegerField(
        _("marks of one browser"), null=True, blank=True, editable=False
    )
    """The same for marks of this lesson that came from one browser; None for any other."""
    previous = models.CharField(_("before the last correction"), max_length=10, blank=True)
    revision = models.BigIntegerField(_("revision"))
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("attendance record")
        verbose_name_plural = _("attendance records")
        indexes = (
            # Few marks are of these kinds, and reports ask for them among millions.
            models.Index(
                fields=("attendance",),
                name="attendance_record_waits",
                condition=Q(status=Status.PENDING),
            ),
            models.Index(
                fields=("attendance",),
                name="attendance_record_walked_in",
                condition=Q(is_expected=False),
            ),
            models.Index(
                fields=("-attendance", "full_name"),
                name="attendance_record_rejected",
                condition=Q(status=Status.REJECTED),
            ),
            models.Index(
                fields=("-attendance", "full_name"),
                name="attendance_record_deleted",
                condition=Q(deleted_at__isnull=False),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("attendance", "student"), name="attendance_record_once_per_student"
            ),
            models.UniqueConstraint(
                fields=("attendance", "school_number"), name="attendance_record_once_per_number"
            ),
            models.CheckConstraint(
                name="attendance_record_number_is_canonical",
                condition=Q(school_number__regex=SCHOOL_NUMBER_PATTERN),
            ),
            rules.value_is_known("attendance_record_status_is_known", "status", Status),
            rules.value_is_known("attendance_record_source_is_known", "source", Source),
            rules.instants_are_sane(
                "attendance_record_instants_are_sane", "checked_in_at", "changed_at"
            ),
            rules.not_negative("attendance_record_revision_counts_up", "revision"),
            rules.deletion_is_explained("attendance_record_deletion_is_explained"),
            models.CheckConstraint(name="attendance_record_has_a_name", condition=~Q(full_name="")),
            models.CheckConstraint(
                name="attendance_record_of_the_system_is_of_nobody_who_came",
                condition=~Q(source=Source.SYSTEM)
                | Q(status__in=[Status.ABSENT, Status.EXCUSED], checked_in_at=None),
            ),
            models.CheckConstraint(
                name="attendance_record_excused_by_an_absence",
                condition=Q(absence=None) | Q(status=Status.EXCUSED, source=Source.SYSTEM),
            ),
        )

    def __str__(self) -> str:
        return f"{self.full_name}: {self.get_status_display()}"


class AttendanceEvent(models.Model):
    """One correction and who made it; a trigger refuses to change or delete it."""

    attendance = models.ForeignKey(
        Attendance, models.PROTECT, related_name="events", db_index=False
    )
    revision = models.BigIntegerField(_("revision"))
    kind = models.CharField(_("kind"), max_length=20, choices=EventKind)
    happened_at = models.DateTimeField(_("happened at"))
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    actor_name = models.CharField(_("actor's name then"), max_length=LONGEST_FULL_NAME)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    old = models.CharField(_("before"), max_length=32, blank=True)
    new = models.CharField(_("after"), max_length=32, blank=True)
    reason = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)
    request_id = models.CharField(max_length=LONGEST_REQUEST_ID)
    request_digest = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("attendance", "revision")
        indexes = (models.Index(fields=("-happened_at",), name="attendance_event_happened"),)
        constraints = (
            models.UniqueConstraint(
                fields=("attendance", "revision"), name="attendance_event_once_per_revision"
            ),
            models.UniqueConstraint(
                fields=("attendance", "request_id"), name="attendance_event_once_per_request"
            ),
            rules.value_is_known("attendance_event_kind_is_known", "kind", EventKind),
            rules.value_is_known("attendance_event_source_is_known", "source", Source),
            rules.instants_are_sane("attendance_event_instant_is_sane", "happened_at"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.old} → {self.new}"


class RefusedCheckIn(models.Model):
    """How often one student was refused at a lesson, and why; it is not a mark.

    Number and name are copies: nobody becomes a user because they were refused.
    """

    attendance = models.ForeignKey(
        Attendance, models.PROTECT, related_name="refusals", db_index=False
    )
    school_number = models.CharField(_("number"), max_length=LONGEST_SCHOOL_NUMBER)
    full_name = models.CharField(_("name"), max_length=LONGEST_FULL_NAME)
    code = models.CharField(_("code"), max_length=32, choices=Refusal)
    times = models.PositiveIntegerField(_("times"))
    first_at = models.DateTimeField(_("first at"))
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        verbose_name = _("refused check-in")
        verbose_name_plural = _("refused check-ins")
        ordering = ("attendance", "school_number", "code")
        indexes = (
            models.Index(fields=("school_number",), name="refused_check_in_of_a_number"),
            models.Index(fields=("-last_at",), name="refused_check_in_last"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("attendance", "school_number", "code"),
                name="refused_check_in_once_per_student_and_code",
            ),
            rules.value_is_known("refused_check_in_code_is_known", "code", Refusal),
            rules.instants_are_sane("refused_check_in_instants_are_sane", "first_at", "last_at"),
        )

    def __str__(self) -> str:
        return f"{self.full_name}: {self.get_code_display()}"
