"""Who somebody is by what the campus's identity provider says of them."""

from typing import Any

from django.conf import settings

from users.identity import Role, canonical_school_number, is_canonical
from users.models import User

Claims = dict[str, Any]
_PARTS = ("userinfo", "id_token")
"""The provider's answer about the person, and the id token."""


def number_in(said: Claims) -> str:
    """The school number in the claim that the site names; '' where there is none.

    Nothing is folded but the case of ASCII letters: another letter that only looks like one would
    be another account of the provider's.
    """
    for part in _PARTS:
        claim = (said.get(part) or {}).get(settings.CAMPUS.number_claim)
        if isinstance(claim, int) and not isinstance(claim, bool):
            claim = str(claim)
        if isinstance(claim, str) and claim.isascii() and is_canonical(claim.upper()):
            return claim.upper()
    return ""


def find_or_make(number: str, said: Claims) -> User:
    """The account of a number; made where the site has it so.

    Raises User.DoesNotExist, and InvalidFullName where the provider says no name.
    """
    try:
        return User.objects.get_by_natural_key(number)
    except User.DoesNotExist:
        if not settings.CAMPUS.makes_people:
            raise
    return User.objects.create_user(
        canonical_school_number(number), _text(said, "name"), role=_role_in(said).value
    )


def _role_in(said: Claims) -> Role:
    """Student, or teacher where the claim says so: staff are made by staff."""
    teachers: frozenset[str] = settings.CAMPUS.teacher_values
    claim = settings.CAMPUS.role_claim
    is_teacher = claim and any(_values(said, part, claim) & teachers for part in _PARTS)
    return Role.TEACHER if is_teacher else Role.STUDENT


def has_shown_factor(said: Claims) -> bool:
    """Whether the provider has asked for a second factor, by the id token's `acr` or `amr`."""
    wanted: frozenset[str] = settings.CAMPUS.factor_values
    return any(_values(said, "id_token", claim) & wanted for claim in ("acr", "amr"))


def _values(said: Claims, part: str, claim: str) -> frozenset[str]:
    value = (said.get(part) or {}).get(claim)
    values = value if isinstance(value, list) else [value]
    return frozenset(each for each in values if isinstance(each, str))


def _text(said: Claims, claim: str) -> str:
    found = ((said.get(part) or {}).get(claim) for part in _PARTS)
    return next((value for value in found if isinstance(value, str)), "")
