"""A course in one step: its section, a term where none holds its days, its teacher and students."""

from datetime import date

import msgspec
from django.utils.translation import gettext

from courses import rules
from courses.errors import UserNotFound
from courses.models import Section, Term
from courses.services.database_rules import writing
from courses.services.enrolments import EnrolmentPlan, enrol
from courses.services.sections import SectionPlan, create_section
from courses.services.validation import check_days
from courses.vocabulary import EnrolmentRole
from users.models import User


class CoursePlan(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    time_zone: str
    starts_on: date
    ends_on: date
    """Exclusive."""
    code: str = ""
    teacher: str = ""
    """A school number, or empty."""
    student_ids: tuple[int, ...] = ()


def make_course(*, plan: CoursePlan, actor: User) -> Section:
    """Make a section with its people, or nothing of it.

    Raises NotStaff, UserNotFound for a teacher whom nobody knows, and as `create_section` and
    `enrol` do.
    """
    rules.check_may_manage(actor.as_person())
    check_days(plan.starts_on, plan.ends_on)
    with writing():
        section = create_section(
            plan=SectionPlan(
                term_id=_term_of(plan).pk,
                title=plan.title,
                code=plan.code,
                time_zone=plan.time_zone,
                starts_on=plan.starts_on,
                ends_on=plan.ends_on,
            ),
            actor=actor,
        )
        people = dict.fromkeys(plan.student_ids, EnrolmentRole.STUDENT)
        if plan.teacher:
            people[_teacher(plan.teacher).pk] = EnrolmentRole.TEACHER
        for user_id, role in people.items():
            enrolment = EnrolmentPlan(
                section_id=section.pk, user_id=user_id, role=role, begins_on=section.starts_on
            )
            enrol(plan=enrolment, actor=actor)
    return section


def _term_of(plan: CoursePlan) -> Term:
    """The shortest term that holds the days; without one, a new one of exactly these days."""
    around = Term.objects.filter(starts_on__lte=plan.starts_on, ends_on__gte=plan.ends_on)
    found = min(around, key=lambda term: term.ends_on - term.starts_on, default=None)
    title = gettext("Term from %(day)s") % {"day": plan.starts_on.isoformat()}
    return found or Term.objects.create(title=title, starts_on=plan.starts_on, ends_on=plan.ends_on)


def _teacher(number: str) -> User:
    try:
        # Whoever types a former number means the same person, by the account that stands for them.
        return User.objects.get_by_natural_key(number).root
    except User.DoesNotExist:
        raise UserNotFound from None
