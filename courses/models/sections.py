"""What is taught to one roster, and who belongs to it from when to when."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from courses.models import rules
from courses.models.catalogue import Course, SourceSystem, Term
from courses.vocabulary import (
    LONGEST_CODE,
    LONGEST_SOURCED_ID,
    LONGEST_TITLE,
    LONGEST_ZONE,
    Component,
    EnrolmentRole,
    WalkIns,
)

# Which zones there are, no CHECK can ask: services do.
ZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"


def _range_of(field: str) -> Func:
    return Func(
        F(field),
        F(field),
        Value("[]"),
        function="int8range",
        output_field=BigIntegerRangeField(),
    )


def _days() -> Func:
    return Func(
        F("begins_on"),
        F("ends_on"),
        Value("[)"),
        function="daterange",
        output_field=DateRangeField(),
    )


class SectionQuerySet(models.QuerySet["Section"]):
    def kept(self) -> "SectionQuerySet":
        """Leave out what is archived."""
        return self.filter(archived_at=None)

    def with_counts(self, *, on: date) -> "SectionQuerySet":
        """Annotate `student_total` and `teacher_total` of a day, people and no rows of theirs."""
        return self.annotate(
            student_total=_count_of(on, EnrolmentRole.STUDENT),
            teacher_total=_count_of(on, EnrolmentRole.TEACHER),
        )

    def without_teachers(self, *, on: date) -> "SectionQuerySet":
        """Those that run on a day and have no teacher then; assistants are none."""
        teaching = Enrolment.objects.on(on).filter(
            section=models.OuterRef("pk"), role=EnrolmentRole.TEACHER
        )
        running = self.kept().filter(starts_on__lte=on, ends_on__gt=on)
        return running.filter(~models.Exists(teaching))


class Section(models.Model):
    """What is taught to one roster; pages call it a course."""

    system = models.ForeignKey(SourceSystem, models.PROTECT, verbose_name=_("source system"))
    sourced_id = models.CharField(_("id there"), max_length=LONGEST_SOURCED_ID, blank=True)
    course = models.ForeignKey(
        Course,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="sections",
        verbose_name=_("entry of the catalogue"),
    )
    term = models.ForeignKey(Term, models.PROTECT, related_name="sections", verbose_name=_("term"))
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="groups",
        verbose_name=_("lecture of this group"),
    )
    component = models.CharField(_("component"), max_length=10, choices=Component, blank=True)
    code = models.CharField(_("code"), max_length=LONGEST_CODE, blank=True)
    title = models.CharField(_("title"), max_length=LONGEST_TITLE)
    time_zone = models.CharField(_("time zone"), max_length=LONGEST_ZONE)
    location = models.CharField(_("location"), max_length=LONGEST_TITLE, blank=True)
    policy = models.ForeignKey(
        "courses.Policy",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("policy"),
    )
    """The version for lessons that start from now on; a lesson keeps the one it began with."""
    walk_ins = models.CharField(
        _("walk-ins"), max_length=10, choices=WalkIns, default=WalkIns.ACCEPT
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends before"))
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    objects = SectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ("-starts_on", "title", "id")
        constraints = (
            rules.sourced_once("section_sourced_once"),
            models.CheckConstraint(name="section_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="section_time_zone_is_a_name", condition=Q(time_zone__regex=ZONE_PATTERN)
            ),
            models.CheckConstraint(
                name="section_is_not_its_own_parent",
                condition=Q(parent=None) | ~Q(parent=F("pk")),
            ),
            rules.value_is_known("section_component_is_known", "component", Component),
            rules.value_is_known("section_walk_ins_are_known", "walk_ins", WalkIns),
            rules.ends_after_it_starts("section_ends_after_it_starts"),
            rules.days_are_sane("section_days_are_sane", "starts_on", "ends_on"),
            rules.instants_are_sane("section_archived_at_is_sane", "archived_at"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.title}".strip()

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def last_on(self) -> date:
        """The last day that belongs to it, as people say it."""
        return self.ends_on - timedelta(days=1)

    def local_date(self, at: datetime) -> date:
        """The day on which an instant is, where the section is taught: rosters are of a day."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def on(self, day: date) -> "EnrolmentQuerySet":
        """Those that cover a day; the last one is exclusive."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gt=day), begins_on__lte=day)

    def meeting(self, first: date, end: date | None) -> "EnrolmentQuerySet":
        """Those that share a day with [first, end); None is an open end."""
        found = self.came_about().filter(Q(ends_on=None) | Q(ends_on__gt=first))
        return found if end is None else found.filter(begins_on__lt=end)

    def came_about(self) -> "EnrolmentQuerySet":
        """Leave out those that end on their first day."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gt=F("begins_on")))


class Enrolment(models.Model):
    """A user belongs to a section from one day to another; a second time is a new row."""

    section = models.ForeignKey(
        Section, models.PROTECT, related_name="enrolments", verbose_name=_("section")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="enrolments",
        verbose_name=_("person"),
    )
    role = models.CharField(_("role"), max_length=10, choices=EnrolmentRole)
    is_primary = models.BooleanField(_("in charge"), default=False)
    begins_on = models.DateField(_("begins on"))
    ends_on = models.DateField(_("ends before"), null=True, blank=True)
    """Exclusive; None where no end is known. On its first day: it never came about."""
    system = models.ForeignKey(SourceSystem, models.PROTECT, verbose_name=_("source system"))
    sourced_id = models.CharField(_("id there"), max_length=LONGEST_SOURCED_ID, blank=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")
        ordering = ("section", "role", "user", "begins_on")
        constraints = (
            models.UniqueConstraint(
                # One id over there, and one row here for each time it began.
                name="enrolment_sourced_once",
                fields=("system", "sourced_id", "begins_on"),
                condition=~Q(sourced_id="") & (Q(ends_on=None) | Q(ends_on__gt=F("begins_on"))),
            ),
            rules.value_is_known("enrolment_role_is_known", "role", EnrolmentRole),
            models.CheckConstraint(
                name="enrolment_ends_not_before_it_begins",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("begins_on")),
            ),
            rules.days_are_sane("enrolment_days_are_sane", "begins_on", "ends_on"),
            models.CheckConstraint(
                name="enrolment_in_charge_is_a_teacher",
                condition=Q(is_primary=False) | Q(role=EnrolmentRole.TEACHER),
            ),
            ExclusionConstraint(
                # Numbers as ranges of one: GiST knows = for them only by an extension, which not
                # every server has.
                name="enrolment_of_a_student_never_overlaps",
                expressions=[
                    (_range_of("section"), "&&"),
                    (_range_of("user"), "&&"),
                    (_days(), "&&"),
                ],
                condition=Q(role=EnrolmentRole.STUDENT),
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}, {self.section}"

    @property
    def last_on(self) -> date | None:
        """The last day that belongs to it; None where no end is known."""
        return self.ends_on and self.ends_on - timedelta(days=1)


def _count_of(on: date, role: EnrolmentRole) -> models.Subquery:
    rows = Enrolment.objects.on(on).filter(section=models.OuterRef("pk"), role=role)
    # A person with two accounts counts once.
    people = Func(Coalesce("user__merged_into", "user"), template="count(DISTINCT %(expressions)s)")
    # Without a GROUP BY there is a row, with 0, for a section of none.
    total = rows.order_by().annotate(n=people).values("n")
    return models.Subquery(total, output_field=models.IntegerField())
