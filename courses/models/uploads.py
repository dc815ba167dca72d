"""Files of rosters between being shown as a plan and being applied."""

from django.conf import settings
from django.db import models
from django.db.models import F, Func
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from courses.models import rules
from courses.models.sections import Section
from courses.vocabulary import LONGEST_TITLE, MOST_UPLOADED_BYTES


def _bytes_of(field: str) -> Func:
    return Func(F(field), function="octet_length", output_field=models.IntegerField())


class RosterUpload(models.Model):
    """The last file that somebody uploaded for a section; gone once it is applied, or in a day.

    Every process of the site reads it, it is as private as the database, and one for each
    person and section bounds what is kept. A session would carry it to and fro, and a
    second upload could be another file than the one that was shown.
    """

    section = models.ForeignKey(
        Section, models.CASCADE, related_name="+", verbose_name=_("section")
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("uploaded by")
    )
    name = models.CharField(_("name"), max_length=LONGEST_TITLE)
    """As the browser told it; it is only shown again."""
    content = models.BinaryField(_("content"))
    encoding = models.CharField(_("encoding"), max_length=10, blank=True)
    """Of a file that is not UTF-8, as whoever uploaded it chose."""
    made_at = models.DateTimeField(_("uploaded at"))

    class Meta:
        verbose_name = _("uploaded roster")
        verbose_name_plural = _("uploaded rosters")
        ordering = ("-made_at",)
        constraints = (
            models.UniqueConstraint(
                name="roster_upload_once_per_person", fields=("section", "uploaded_by")
            ),
            models.CheckConstraint(
                name="roster_upload_is_bounded",
                condition=LessThanOrEqual(_bytes_of("content"), MOST_UPLOADED_BYTES),
            ),
            rules.instants_are_sane("roster_upload_made_at_is_sane", "made_at"),
        )

    def __str__(self) -> str:
        return self.name
