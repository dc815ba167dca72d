"""Who calls: what views get in place of Django's user."""

import msgspec

from users import proofs, second_factor
from users.identity import Person
from users.proofs import SignInProof


class Caller(msgspec.Struct, frozen=True):
    """Somebody with a valid credential; views get it in place of Django's user."""

    user_id: int
    person: Person
    session_hashes: tuple[str, ...] = ()
    """Of what sessions and tokens must stand on now (users/proofs.py), with each accepted key."""
    token_digest: str = ""
    """Of the token that was shown, or '' for a session."""
    other_numbers: tuple[str, ...] = ()
    """Of the accounts that are merged into this one, and those that the person had before."""
    proof: SignInProof = SignInProof()
    """What the credential that was shown stands on."""
    has_given_password: bool = False
    """Whether somebody else has set the password that the account has now."""
    has_notices: bool = False
    """Whether the owner is told something that they have not seen (users/notices.py)."""

    @property
    def lacks_factor(self) -> bool:
        """Whether the rights of the role ask for a second factor that was not shown."""
        return second_factor.is_asked_of(self.person.role) and not self.proof.has_factor

    @property
    def must_change_password(self) -> bool:
        """Whether they came in with a password that somebody else has set."""
        return self.has_given_password and self.proof.backend == proofs.PASSWORD_BACKEND

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number that the person has or had, the one that signed in first."""
        return (self.person.school_number, *self.other_numbers)

    def as_owner_of(self, number: str) -> Person:
        """The person under a number of theirs; as they signed in where it is not theirs.

        For whoever compares one number with the owner's. Never who acts: that is `person`.
        """
        if number not in self.other_numbers:
            return self.person
        return msgspec.structs.replace(self.person, school_number=number)
