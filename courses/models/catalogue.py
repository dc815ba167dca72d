"""Where rows come from, when they count, and what is taught at all."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from courses.models import rules
from courses.vocabulary import LONGEST_CODE, LONGEST_TITLE, SystemKind


class SourceSystem(models.Model):
    """Another system that tells of sections and enrolments; a sync touches its own rows only."""

    code = models.CharField(_("code"), max_length=LONGEST_CODE)
    name = models.CharField(_("name"), max_length=LONGEST_TITLE)
    kind = models.CharField(_("kind"), max_length=10, choices=SystemKind)

    class Meta:
        verbose_name = _("source system")
        verbose_name_plural = _("source systems")
        ordering = ("code",)
        constraints = (
            models.UniqueConstraint(name="source_system_code_once", fields=("code",)),
            models.CheckConstraint(
                name="source_system_has_code_and_name", condition=~Q(code="") & ~Q(name="")
            ),
            rules.value_is_known("source_system_kind_is_known", "kind", SystemKind),
        )

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    """A span of days in which sections are taught."""

    title = models.CharField(_("title"), max_length=LONGEST_TITLE)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends before"))
    """The first day that does not belong to it any more."""

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        ordering = ("-starts_on", "title")
        constraints = (
            models.CheckConstraint(name="term_has_a_title", condition=~Q(title="")),
            rules.ends_after_it_starts("term_ends_after_it_starts"),
            rules.days_are_sane("term_days_are_sane", "starts_on", "ends_on"),
        )

    def __str__(self) -> str:
        return self.title


class Course(models.Model):
    """An entry of the catalogue, which sections teach."""

    code = models.CharField(_("code"), max_length=LONGEST_CODE)
    title = models.CharField(_("title"), max_length=LONGEST_TITLE)

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ("code",)
        constraints = (
            models.UniqueConstraint(name="course_code_once", fields=("code",)),
            models.CheckConstraint(
                name="course_has_code_and_title", condition=~Q(code="") & ~Q(title="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.title}"
