"""When somebody need not come: absences with their evidence, and days without lessons."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import ExpressionWrapper
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from courses.models import rules
from courses.models.sections import Section
from courses.storage import evidence_name, evidence_storage
from courses.vocabulary import (
    LONGEST_CODE,
    LONGEST_NOTE,
    LONGEST_REQUEST_ID,
    LONGEST_TITLE,
    MOST_ABSENT_DAYS,
    MOST_EVIDENCE_BYTES,
    AbsenceState,
    Asker,
    Effect,
    EvidenceKind,
)


class AbsenceReason(models.Model):
    code = models.CharField(_("code"), max_length=LONGEST_CODE)
    label = models.CharField(_("label"), max_length=LONGEST_TITLE)
    effect = models.CharField(_("effect"), max_length=20, choices=Effect, default=Effect.NEUTRAL)
    """A trigger keeps it, and the code, once an absence has this reason."""
    needs_evidence = models.BooleanField(_("needs evidence"), default=False)
    who_may_ask = models.CharField(
        _("who may ask"), max_length=10, choices=Asker, default=Asker.STUDENT
    )

    class Meta:
        verbose_name = _("reason for an absence")
        verbose_name_plural = _("reasons for absences")
        ordering = ("code",)
        constraints = (
            models.UniqueConstraint(name="absence_reason_code_once", fields=("code",)),
            models.CheckConstraint(
                name="absence_reason_has_code_and_label", condition=~Q(code="") & ~Q(label="")
            ),
            rules.value_is_known("absence_reason_effect_is_known", "effect", Effect),
            rules.value_is_known("absence_reason_asker_is_known", "who_may_ask", Asker),
        )

    def __str__(self) -> str:
        return self.label


def _is_decided_by_somebody() -> Q:
    nobody = Q(decided_by=None, decided_at=None, decided_why="")
    somebody = Q(decided_by__isnull=False, decided_at__isnull=False)
    decided = Q(state__in=[AbsenceState.APPROVED, AbsenceState.REFUSED])
    requested = Q(state=AbsenceState.REQUESTED)
    # What was decided before an absence was withdrawn stays on it.
    return (~requested | nobody) & (~decided | somebody) & (nobody | somebody)


def _is_withdrawn_by_somebody() -> Q:
    withdrawn = Q(state=AbsenceState.WITHDRAWN)
    return (withdrawn & Q(withdrawn_by__isnull=False, withdrawn_at__isnull=False)) | (
        ~withdrawn & Q(withdrawn_by=None, withdrawn_at=None)
    )


class Absence(models.Model):
    """Announced or excused time of a person; any number of them a day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="absences", verbose_name=_("person")
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    is_for_all_sections = models.BooleanField(_("for all sections"), default=True)
    sections = models.ManyToManyField(
        Section, related_name="absences", blank=True, verbose_name=_("sections")
    )
    """Those that it is about, where it is not for all."""
    reason = models.ForeignKey(
        AbsenceReason, models.PROTECT, related_name="absences", verbose_name=_("reason")
    )
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=AbsenceState, default=AbsenceState.REQUESTED
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    requested_at = models.DateTimeField(_("asked at"), default=timezone.now)
    request_id = models.CharField(max_length=LONGEST_REQUEST_ID, blank=True, editable=False)
    """The asker's own id of the request: sent twice, it is one absence."""
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_why = models.CharField(_("why"), max_length=LONGEST_NOTE, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ("-starts_at", "-id")
        indexes = (
            models.Index(
                name="absence_approved_of_a_user",
                fields=("user", "ends_at"),
                condition=Q(state=AbsenceState.APPROVED),
            ),
            models.Index(
                name="absence_to_decide",
                fields=("id",),
                condition=Q(state=AbsenceState.REQUESTED),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="absence_asked_for_once",
                fields=("requested_by", "request_id"),
                condition=~Q(request_id=""),
            ),
            rules.value_is_known("absence_state_is_known", "state", AbsenceState),
            models.CheckConstraint(
                name="absence_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="absence_is_not_too_long",
                condition=LessThanOrEqual(
                    # The difference of two instants depends on no time zone.
                    ExpressionWrapper(
                        F("ends_at") - F("starts_at"), output_field=models.DurationField()
                    ),
                    timedelta(days=MOST_ABSENT_DAYS),
                ),
            ),
            rules.instants_are_sane(
                "absence_instants_are_sane",
                "starts_at",
                "ends_at",
                "requested_at",
                "decided_at",
                "withdrawn_at",
            ),
            models.CheckConstraint(
                name="absence_is_decided_by_somebody", condition=_is_decided_by_somebody()
            ),
            models.CheckConstraint(
                name="absence_refusal_is_explained",
                condition=~Q(state=AbsenceState.REFUSED) | ~Q(decided_why=""),
            ),
            models.CheckConstraint(
                name="absence_is_withdrawn_by_somebody", condition=_is_withdrawn_by_somebody()
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.reason}, {timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"


class AbsenceEvidence(models.Model):
    """A file that supports an absence; see `courses.evidence`."""

    absence = models.ForeignKey(
        Absence, models.PROTECT, related_name="evidence", verbose_name=_("absence")
    )
    file = models.FileField(_("file"), storage=evidence_storage, upload_to=evidence_name)
    name = models.CharField(_("name given by the sender"), max_length=LONGEST_TITLE)
    kind = models.CharField(_("kind"), max_length=10, choices=EvidenceKind)
    size = models.PositiveIntegerField(_("bytes"))
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added at"), default=timezone.now)
    kept_until = models.DateField(_("kept until"))
    """Its own retention, shorter than the absence's."""
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    """The file is gone; that there was one, stays."""

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ("absence", "id")
        indexes = (
            models.Index(
                name="absence_evidence_to_remove",
                fields=("kept_until",),
                condition=Q(removed_at=None),
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="absence_evidence_is_named", condition=~Q(file="") & ~Q(name="")
            ),
            rules.value_is_known("absence_evidence_kind_is_known", "kind", EvidenceKind),
            rules.is_within("absence_evidence_is_not_too_large", 1, MOST_EVIDENCE_BYTES, "size"),
            rules.instants_are_sane("absence_evidence_instant_is_sane", "added_at", "removed_at"),
            rules.days_are_sane("absence_evidence_days_are_sane", "kept_until"),
        )

    def __str__(self) -> str:
        return self.name


class Closure(models.Model):
    """Days without lessons: of one section, or of the whole organisation."""

    section = models.ForeignKey(
        Section,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="closures",
        verbose_name=_("section"),
    )
    """None: the whole organisation."""
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends before"))
    title = models.CharField(_("title"), max_length=LONGEST_TITLE)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("taken back by"),
    )
    reopened_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    """There are lessons on these days after all; the row stays."""

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ("-starts_on", "id")
        constraints = (
            models.CheckConstraint(name="closure_has_a_title", condition=~Q(title="")),
            rules.ends_after_it_starts("closure_ends_after_it_starts"),
            rules.days_are_sane("closure_days_are_sane", "starts_on", "ends_on"),
            models.CheckConstraint(
                name="closure_is_reopened_by_somebody",
                condition=Q(reopened_by=None, reopened_at=None)
                | Q(reopened_by__isnull=False, reopened_at__isnull=False),
            ),
            rules.instants_are_sane("closure_reopened_at_is_sane", "reopened_at"),
        )

    def __str__(self) -> str:
        return self.title
