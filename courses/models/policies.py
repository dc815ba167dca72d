"""What counts as late and as too little: one version after the other, for each section."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from courses.models import rules
from courses.models.sections import Section
from courses.vocabulary import DAY_SECONDS, WHOLE_PERMILLE, Basis, Counted, ExcusedAs


class Policy(models.Model):
    """One version of a section's rules; a trigger refuses to change or delete it.

    None says that there is no such rule: nobody is late, nobody is warned.
    """

    section = models.ForeignKey(
        # The unique constraint below serves look-ups by section.
        Section,
        models.PROTECT,
        related_name="policies",
        db_index=False,
        verbose_name=_("section"),
    )
    version = models.PositiveIntegerField(_("version"))
    opens_before_s = models.PositiveIntegerField(_("opens before the start (s)"), default=0)
    late_after_s = models.PositiveIntegerField(_("late after (s)"), null=True, blank=True)
    absent_after_s = models.PositiveIntegerField(_("absent after (s)"), null=True, blank=True)
    min_presence_permille = models.PositiveSmallIntegerField(_("least presence (‰)"), default=0)
    late_credit_permille = models.PositiveSmallIntegerField(
        _("worth of late (‰)"), default=WHOLE_PERMILLE
    )
    counted = models.CharField(
        _("counted by"), max_length=10, choices=Counted, default=Counted.LESSONS
    )
    threshold_permille = models.PositiveSmallIntegerField(_("threshold (‰)"), default=700)
    warn_permille = models.PositiveSmallIntegerField(_("warning below (‰)"), null=True, blank=True)
    in_a_row = models.PositiveSmallIntegerField(_("missed in a row"), null=True, blank=True)
    days_without = models.PositiveSmallIntegerField(_("days without"), null=True, blank=True)
    min_lessons = models.PositiveSmallIntegerField(_("judged from lessons"), default=0)
    min_days = models.PositiveSmallIntegerField(_("judged from days"), default=0)
    basis = models.CharField(_("compared is"), max_length=10, choices=Basis, default=Basis.RATE)
    must_exceed = models.BooleanField(_("the threshold itself is too little"), default=False)
    planned = models.PositiveIntegerField(_("planned for the term"), null=True, blank=True)
    """In the unit that is counted."""
    excused_as = models.CharField(
        _("excused counts as"), max_length=10, choices=ExcusedAs, default=ExcusedAs.REASON
    )
    document_days = models.PositiveSmallIntegerField(
        _("days to write down a last attendance"), null=True, blank=True
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set at"), default=timezone.now)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering = ("section", "-version")
        constraints = (
            models.UniqueConstraint(name="policy_version_once", fields=("section", "version")),
            # The section's foreign key asks for both, so that no policy is another's.
            models.UniqueConstraint(name="policy_is_of_one_section", fields=("id", "section")),
            models.CheckConstraint(name="policy_version_counts_up", condition=Q(version__gte=1)),
            rules.value_is_known("policy_counted_is_known", "counted", Counted),
            models.CheckConstraint(
                name="policy_absent_not_before_late",
                condition=Q(late_after_s=None)
                | Q(absent_after_s=None)
                | Q(absent_after_s__gte=F("late_after_s")),
            ),
            rules.is_within(
                "policy_seconds_are_within_a_day",
                0,
                DAY_SECONDS,
                "opens_before_s",
                "late_after_s",
                "absent_after_s",
            ),
            rules.is_within(
                "policy_shares_are_of_a_whole",
                0,
                WHOLE_PERMILLE,
                "min_presence_permille",
                "late_credit_permille",
                "threshold_permille",
                "warn_permille",
            ),
            models.CheckConstraint(
                name="policy_warns_after_something",
                condition=(Q(in_a_row=None) | Q(in_a_row__gte=1))
                & (Q(days_without=None) | Q(days_without__gte=1)),
            ),
            rules.value_is_known("policy_basis_is_known", "basis", Basis),
            rules.value_is_known("policy_excused_is_known", "excused_as", ExcusedAs),
            models.CheckConstraint(
                name="policy_best_knows_what_is_planned",
                condition=~Q(basis=Basis.BEST) | Q(planned__isnull=False),
            ),
            models.CheckConstraint(
                name="policy_plans_and_documents_something",
                condition=(Q(planned=None) | Q(planned__gte=1))
                & (Q(document_days=None) | Q(document_days__gte=1)),
            ),
            rules.instants_are_sane("policy_set_at_is_sane", "set_at"),
        )

    def __str__(self) -> str:
        return f"{self.section}, {self.version}"
