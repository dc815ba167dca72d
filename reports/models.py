"""What stored marks add up to, and when somebody last looked whether that is so.

Nothing here is a source: each row can be made again from the marks.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.vocabulary import Status
from courses.models import Section
from courses.vocabulary import WHOLE_PERMILLE, Effect
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
