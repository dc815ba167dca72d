"""Run as a module: makes a section for each teacher, with three of four students; told as JSON."""

import json
import sys
from datetime import timedelta

import django


def main() -> dict[str, str]:
    """The code of each teacher's section, by the teacher's number."""
    from django.utils import timezone

    from courses.models import Enrolment, Section, Term
    from courses.services.systems import manual_system
    from courses.vocabulary import EnrolmentRole
    from users.models import RoleChoices, User

    today, system = timezone.localdate(), manual_system()
    term = Term.objects.create(
        title="Term", starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=60)
    )
    students = list(User.objects.filter(role=RoleChoices.STUDENT).order_by("school_number"))
    codes = {}
    for n, teacher in enumerate(User.objects.filter(role=RoleChoices.TEACHER)):
        section = Section.objects.create(
            system=system,
            term=term,
            code=f"SEC-{n}",
            title=f"Section {n}",
            time_zone="UTC",
            starts_on=term.starts_on,
            ends_on=term.ends_on,
        )
        roles = [(teacher, EnrolmentRole.TEACHER)]
        # A part of each lesson are walk-ins, and a part of each roster does not come.
        roles += [(who, EnrolmentRole.STUDENT) for i, who in enumerate(students) if (i + n) % 4]
        Enrolment.objects.bulk_create(
            Enrolment(section=section, user=who, role=role, begins_on=term.starts_on, system=system)
            for who, role in roles
        )
        codes[teacher.school_number] = section.code
    return codes


if __name__ == "__main__":
    django.setup()
    json.dump(main(), sys.stdout)
