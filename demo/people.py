"""The people of the demo: names in several alphabets, always the same; numbers of one run."""

import secrets
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from django.core.management.base import CommandError
from django.db import transaction
from knox.models import AuthToken

from users.identity import Person, Role, clean_full_name
from users.models import User

SEED = 20260302
LOCALES = ("en_GB", "tr_TR", "de_DE", "el_GR", "ru_RU", "ar_EG", "hi_IN", "ja_JP", "zh_CN")
STUDENTS, TEACHERS, KNOWN_STUDENTS, KNOWN_TEACHERS = 600, 4, 250, 3


class Cast(NamedTuple):
    teachers: list[Person]
    students: list[Person]
    tokens: dict[str, str]
    """A token for each school number."""
    leaving: frozenset[str]
    """Numbers whose account is removed while their lesson is live: persistence makes it again."""


def make_cast() -> Cast:
    """Four teachers and 600 students with an account and a token.

    When their lessons end, PostgreSQL knows 3 and 250 of them.

    Each run has numbers of its own, so that demos can run again and side by side.
    """
    # users/demo_numbers.py knows their form.
    run = secrets.token_hex(4).upper()
    names = _names(TEACHERS + STUDENTS)
    teachers = [Person(f"D{run}-T{i + 1}", names[i], Role.TEACHER) for i in range(TEACHERS)]
    students = [Person(f"D{run}-{i + 1:04}", names[TEACHERS + i]) for i in range(STUDENTS)]
    with transaction.atomic():
        users = User.objects.bulk_create([_account(person) for person in (*teachers, *students)])
        tokens = {user.school_number: AuthToken.objects.create(user=user)[1] for user in users}
    leaving = (*teachers[KNOWN_TEACHERS:], *students[KNOWN_STUDENTS:])
    return Cast(teachers, students, tokens, frozenset(person.school_number for person in leaving))


def end_tokens(cast: Cast) -> None:
    """Nobody of this run has a token any more."""
    AuthToken.objects.filter(user__school_number__in=cast.tokens).delete()


def leave(cast: Cast, people: Iterable[Person]) -> None:
    """Remove the accounts of those people who are in `cast.leaving`."""
    numbers = {person.school_number for person in people} & cast.leaving
    User.objects.filter(school_number__in=numbers).delete()


def _account(person: Person) -> User:
    user = User(
        school_number=person.school_number, full_name=person.full_name, role=person.role.value
    )
    user.set_unusable_password()
    return user


def _names(count: int) -> list[str]:
    try:
        from faker import Faker
    except ImportError:
        raise CommandError(
            "The demo needs Faker: run it as ./attn demo, which installs it."
        ) from None
    fakers = [Faker(locale) for locale in LOCALES]
    for faker in fakers:
        faker.seed_instance(SEED)
    names = (fakers[i % len(fakers)].name() for i in range(count))
    return [clean_full_name(unicodedata.normalize("NFC", name)) for name in names]
