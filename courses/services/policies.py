"""Set the rules of a section: each time a new version."""

from typing import Final

import msgspec
from django.db.models import Max
from django.utils import timezone

from courses import rules
from courses.errors import InvalidPolicy, PolicyNeedsPlan
from courses.models import Policy
from courses.selectors.sections import roles_at
from courses.services.database_rules import writing
from courses.services.sections import lock_section
from courses.signals import rules_changed
from courses.vocabulary import DAY_SECONDS, WHOLE_PERMILLE, Basis, Counted, ExcusedAs
from users.errors import gettext_noop as _
from users.models import User

LARGEST: Final = 32_767
BOUNDS: Final = {
    "opens_before_s": (0, DAY_SECONDS),
    "late_after_s": (0, DAY_SECONDS),
    "absent_after_s": (0, DAY_SECONDS),
    "min_presence_permille": (0, WHOLE_PERMILLE),
    "late_credit_permille": (0, WHOLE_PERMILLE),
    "threshold_permille": (0, WHOLE_PERMILLE),
    "warn_permille": (0, WHOLE_PERMILLE),
    "in_a_row": (1, LARGEST),
    "days_without": (1, LARGEST),
    "min_lessons": (0, LARGEST),
    "min_days": (0, LARGEST),
    "planned": (1, LARGEST),
    "document_days": (1, LARGEST),
}


class PolicyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a section; None says that there is no such rule."""

    opens_before_s: int = 0
    late_after_s: int | None = None
    absent_after_s: int | None = None
    min_presence_permille: int = 0
    late_credit_permille: int = WHOLE_PERMILLE
    counted: Counted = Counted.LESSONS
    threshold_permille: int = 700
    warn_permille: int | None = None
    in_a_row: int | None = None
    days_without: int | None = None
    min_lessons: int = 0
    min_days: int = 0
    basis: Basis = Basis.RATE
    must_exceed: bool = False
    planned: int | None = None
    excused_as: ExcusedAs = ExcusedAs.REASON
    document_days: int | None = None


def plan_of_policy(policy: Policy | None) -> PolicyPlan:
    """What a version says; without one, what holds for a section without rules."""
    if policy is None:
        return PolicyPlan()
    said = {name: getattr(policy, name) for name in PolicyPlan.__struct_fields__}
    return PolicyPlan(
        **said
        | {
            "counted": Counted(policy.counted),
            "basis": Basis(policy.basis),
            "excused_as": ExcusedAs(policy.excused_as),
        }
    )


def set_policy(*, section_id: int, plan: PolicyPlan, actor: User) -> Policy:
    """Give a section a new version of its rules, for lessons that start from now on.

    Its teachers and staff may. The same rules again make no version. Raises NotYourSection,
    InvalidPolicy, PolicyNeedsPlan, SectionNotFound and SectionArchived.
    """
    now = timezone.now()
    rules.check_may_set_policy(actor.as_person(), roles_at(section_id, user=actor, at=now))
    check_plan(plan)
    values = msgspec.structs.asdict(plan)
    with writing():
        section = lock_section(section_id)
        current = section.policy
        if current is not None and all(getattr(current, f) == v for f, v in values.items()):
            return current
        last = section.policies.aggregate(last=Max("version"))["last"] or 0
        section.policy = Policy.objects.create(
            section=section, version=last + 1, set_by=actor, set_at=now, **values
        )
        section.save(update_fields=["policy"])
        rules_changed.send(sender=None, section_id=section_id)
        return section.policy


def check_plan(plan: PolicyPlan) -> None:
    """Raises InvalidPolicy for what no version of a policy can say."""
    for field, (least, most) in BOUNDS.items():
        value = getattr(plan, field)
        if value is not None and not least <= value <= most:
            raise InvalidPolicy(
                _("%(field)s is %(value)d, and goes from %(least)d to %(most)d. Correct it."),
                field=field,
                value=value,
                least=least,
                most=most,
            )
    late, absent = plan.late_after_s, plan.absent_after_s
    if late is not None and absent is not None and absent < late:
        raise InvalidPolicy(_("Nobody is absent before they are late. Choose a later bound."))
    if plan.basis == Basis.BEST and plan.planned is None:
        raise PolicyNeedsPlan
