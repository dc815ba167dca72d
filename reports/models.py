"""What stored marks add up to, when somebody last looked whether that is so, and warnings.

Totals can be made again from the marks. Warnings and what was done about them cannot.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.vocabulary import Status
from courses.models import Policy, Section
from courses.vocabulary import WHOLE_PERMILLE, Effect
from reports.vocabulary import Because, CaseEnding, CaseStepKind, WarningKind
from users.constraints import instants_are_sane, not_negative, value_is_known


class SectionTotal(models.Model):
    """How many marks of one kind a person has in one section.

    Of lessons that are held, stored and not deleted, and at which the person was expected. A
    person with several accounts has one mark a lesson, the effective one, under the root.
    """

    # One index less for each row that persistence writes.
    pk = models.CompositePrimaryKey("section_id", "user_id", "status", "effect", "late_permille")
    # The marks have the foreign keys. Here they would make a commit wait for rows that a decision
    # about an absence holds, while it waits for these totals.
    section = models.ForeignKey(
        Section,
        models.CASCADE,
        related_name="totals",
        db_constraint=False,
        # The primary key serves look-ups by section.
        db_index=False,
        verbose_name=_("section"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        db_constraint=False,
        verbose_name=_("person"),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status)
    effect = models.CharField(_("effect"), max_length=20, choices=Effect, blank=True)
    """Of excused ones: what their reason is worth."""
    late_permille = models.PositiveSmallIntegerField(_("worth of late (‰)"), default=0)
    """Of late ones, by the rules that their lesson has."""
    n = models.PositiveIntegerField(_("lessons"))
    milliseconds = models.BigIntegerField(_("length together (ms)"))
    """Minutes would round: a lesson ends when its teacher says so."""
    last_on = models.DateField(_("last on"))

    class Meta:
        verbose_name = _("total")
        verbose_name_plural = _("totals")
        constraints = (
            value_is_known("section_total_status_is_known", "status", Status),
            models.CheckConstraint(
                name="section_total_has_its_worth",
                condition=(
                    (Q(status=Status.EXCUSED, effect__in=Effect.values) | Q(effect=""))
                    & (Q(status=Status.LATE) | Q(late_permille=0))
                    & Q(late_permille__lte=WHOLE_PERMILLE)
                    & (~Q(status=Status.EXCUSED) | ~Q(effect=""))
                ),
            ),
            models.CheckConstraint(
                name="section_total_is_of_something",
                condition=Q(n__gte=1, milliseconds__gte=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.n} × {self.status}"


class TouchedLesson(models.Model):
    """A transaction that has changed a stored lesson, its marks or its events; a trigger notes it.

    Instants are in no order of commits, and a mark may be stored days after it was made: whoever
    follows changes asks for transactions.
    """

    pk = models.CompositePrimaryKey("changed_in", "lesson_id")
    changed_in = models.BigIntegerField(_("transaction"))
    """The whole number of the transaction, which never begins anew."""
    # No foreign key: it would be checked with each lesson that persistence writes.
    lesson_id = models.UUIDField(_("lesson id"))

    class Meta:
        verbose_name = _("change of a lesson")
        verbose_name_plural = _("changes of lessons")
        ordering = ("changed_in", "lesson_id")
        constraints = (not_negative("touched_lesson_is_of_a_transaction", "changed_in"),)

    def __str__(self) -> str:
        return f"{self.lesson_id} in {self.changed_in}"


class TotalsCheck(models.Model):
    """Once the totals were compared with the marks: what was found."""

    checked_at = models.DateTimeField(_("checked at"))
    seconds = models.FloatField(_("seconds"))
    pairs = models.PositiveBigIntegerField(_("people in sections"))
    wrong = models.PositiveBigIntegerField(_("of them wrong"))
    repaired = models.PositiveBigIntegerField(_("of them repaired"), default=0)

    class Meta:
        verbose_name = _("check of totals")
        verbose_name_plural = _("checks of totals")
        ordering = ("-checked_at", "-id")
        indexes = (models.Index(fields=("-checked_at",), name="totals_check_newest_first"),)
        constraints = (
            models.CheckConstraint(
                name="totals_check_repairs_what_is_wrong",
                condition=Q(wrong__gte=models.F("repaired")),
            ),
            instants_are_sane("totals_check_instant_is_sane", "checked_at"),
        )

    def __str__(self) -> str:
        return f"{self.wrong} / {self.pairs}"

    @property
    def is_trouble(self) -> bool:
        return self.wrong > self.repaired


class FigureWarning(models.Model):
    """Somebody's figures crossed a bound of a course's rules, until they no longer do.

    One is open for each person, section and kind. What raised it stays as it was then.
    """

    # As with totals: a foreign key would wait at the commit for rows that others hold.
    section = models.ForeignKey(
        Section,
        models.CASCADE,
        related_name="warnings",
        db_constraint=False,
        verbose_name=_("section"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="figure_warnings",
        db_constraint=False,
        verbose_name=_("person"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=WarningKind)
    figures = models.JSONField(_("figures"))
    """Those that raised it, by names that docs/reference/tables.md lists."""
    policy = models.ForeignKey(
        Policy, models.CASCADE, related_name="+", db_constraint=False, verbose_name=_("policy")
    )
    raised_at = models.DateTimeField(_("raised at"))
    raised_because = models.CharField(_("raised because of"), max_length=10, choices=Because)
    retracted_at = models.DateTimeField(_("retracted at"), null=True, blank=True)
    retracted_because = models.CharField(
        _("retracted because of"), max_length=10, choices=Because, blank=True
    )

    class Meta:
        verbose_name = _("warning")
        verbose_name_plural = _("warnings")
        ordering = ("-raised_at", "-id")
        indexes = (models.Index(fields=("section", "-raised_at"), name="warning_of_section"),)
        constraints = (
            models.UniqueConstraint(
                name="warning_is_open_once",
                fields=("section", "user", "kind"),
                condition=Q(retracted_at=None),
            ),
            value_is_known("warning_kind_is_known", "kind", WarningKind),
            value_is_known("warning_cause_is_known", "raised_because", Because),
            models.CheckConstraint(
                name="warning_is_retracted_by_something",
                condition=Q(retracted_at=None, retracted_because="")
                | Q(retracted_at__gte=models.F("raised_at"), retracted_because__in=Because.values),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class WarningLetter(models.Model):
    """Who is told of a warning by mail, and is told of its retraction if they were."""

    warning = models.ForeignKey(
        FigureWarning,
        models.CASCADE,
        related_name="letters",
        db_index=False,
        verbose_name=_("warning"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person")
    )
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    retraction_sent_at = models.DateTimeField(_("retraction sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("letter of a warning")
        verbose_name_plural = _("letters of warnings")
        constraints = (
            models.UniqueConstraint(name="warning_letter_once", fields=("warning", "user")),
            models.CheckConstraint(
                name="warning_retraction_follows_a_warning",
                condition=Q(retraction_sent_at=None) | Q(sent_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"letter {self.pk}"


class DigestOptOut(models.Model):
    """Who wants no daily mail about what waits in their courses."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="+",
        verbose_name=_("person"),
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("daily mail not wanted")
        verbose_name_plural = _("daily mails not wanted")
        constraints = (instants_are_sane("digest_opt_out_instant_is_sane", "since"),)

    def __str__(self) -> str:
        return f"no daily mail for {self.pk}"


class CaseStep(models.Model):
    """What somebody did about a warning; rows are only added."""

    warning = models.ForeignKey(
        FigureWarning, models.CASCADE, related_name="steps", verbose_name=_("warning")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=CaseStepKind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"))
    ending = models.CharField(_("how it ended"), max_length=20, choices=CaseEnding, blank=True)
    text = models.CharField(_("note"), max_length=1_000, blank=True)

    class Meta:
        verbose_name = _("step of a case")
        verbose_name_plural = _("steps of cases")
        ordering = ("at", "id")
        constraints = (
            value_is_known("case_step_kind_is_known", "kind", CaseStepKind),
            models.CheckConstraint(
                name="case_step_says_something",
                condition=Q(kind=CaseStepKind.TAKEN, ending="")
                | (Q(kind=CaseStepKind.NOTED, ending="") & ~Q(text=""))
                | Q(kind=CaseStepKind.ENDED, ending__in=CaseEnding.values),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
