"""Run as a module: makes students, teachers and staff with a token each, told as JSON."""

import json
import sys

import django


def main(students: int, teachers: int) -> dict[str, list[tuple[str, str, str]]]:
    from users.models import RoleChoices, User
    from users.tokens import issue_token

    def make(number: str, name: str, role: RoleChoices) -> tuple[str, str, str]:
        user = User.objects.create_user(number, name, role=role)
        return user.school_number, user.full_name, issue_token(user.pk).token

    return {
        "students": [
            make(f"S-{n:03}", f"Student {n:03}", RoleChoices.STUDENT)
            for n in range(1, students + 1)
        ],
        "teachers": [
            make(f"T-{n}", f"Teacher {n}", RoleChoices.TEACHER) for n in range(1, teachers + 1)
        ],
        "staff": [make("STAFF-1", "Staff 1", RoleChoices.STAFF)],
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
