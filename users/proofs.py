"""What proved who somebody is, and whether that still holds: one rule for sessions and tokens.

A proof carries a hash of what it stands on: the password, and a version that goes up with every
change of a second factor and with signing out everywhere. A session or a token goes on for as long
as that is what it was.
"""

from collections.abc import Sequence

import msgspec
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

PASSWORD_BACKEND = "users.backends.AccountBackend"  # noqa: S105 - a path
CAMPUS_BACKEND = "users.backends.CampusBackend"
DEMO_BACKEND = "users.backends.DemoBackend"


class SignInProof(msgspec.Struct, frozen=True):
    auth_hash: str = ""
    backend: str = ""
    """By which door; what came in by one that is closed is not valid."""
    has_factor: bool = False
    """Whether a second factor was shown as well."""


def bound_hash(auth_hash: str, backend: str) -> str:
    """The hash of a user as a door binds it: what the demo's opened ends with its password."""
    if backend != DEMO_BACKEND:
        return auth_hash
    value = f"{auth_hash}|{settings.DEMO_PASSWORD}"
    return salted_hmac("users.proofs.demo", value, algorithm="sha256").hexdigest()


def holds(proof: SignInProof, auth_hashes: Sequence[str]) -> bool:
    """Whether a proof is still good; `auth_hashes` are those of the user now, with each key."""
    if proof.backend not in settings.AUTHENTICATION_BACKENDS:
        return False
    now = [bound_hash(each, proof.backend) for each in auth_hashes]
    return any(constant_time_compare(proof.auth_hash, each) for each in now)
