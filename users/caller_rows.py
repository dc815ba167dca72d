"""Who shows a credential, as PostgreSQL knows them: one statement for each question.

Both statements are put together once for each process. Django takes longer to do that than
PostgreSQL to answer, and at the beginning of an hour everybody is somebody new.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from knox.models import AuthToken

from users import proofs
from users.callers import Caller
from users.identity import Person, Role
from users.models import AccountNotice, TokenProof, User
from users.proofs import SignInProof
from users.selectors import former_numbers, merged_numbers


class UserRow(NamedTuple):
    """What a caller is made of; the fields of `User` first, under their names."""

    pk: int
    school_number: str
    full_name: str
    role: str
    password: str
    session_version: int
    must_change_password: bool
    merged_numbers: list[str]
    had_numbers: list[str]
    has_notices: bool


class TokenRow(NamedTuple):
    digest: str
    user_id: int
    expires_at: datetime | None
    proof: SignInProof | None
    """None for a token that is not valid."""


_OF_USER, _MORE = UserRow._fields[:7], UserRow._fields[7:]
_OF_TOKEN = (
    *("digest", "user_id", "expiry"),
    *("proof__auth_hash", "proof__backend", "proof__has_factor"),
)


def find_token(digest: str) -> tuple[TokenRow, Caller] | None:
    """A token of somebody who may sign in, by the digest of it, and whose it is. One query."""
    for row in _token_with_user().ask(digest):
        own = len(_OF_TOKEN)
        return _token(row[:own]), _caller(UserRow(*row[own:]))
    return None


def find_caller(user_id: int) -> Caller | None:
    """A user who may sign in. One query."""
    for row in _user().ask(user_id):
        return _caller(UserRow(*row))
    return None


def callers_of(user_ids: Iterable[int]) -> dict[int, Caller]:
    """Those of these users who may sign in; one query for all."""
    rows = _with_more(User.objects.who_may_sign_in().filter(pk__in=list(user_ids)), "pk")
    found = (UserRow(*row) for row in rows.values_list(*_OF_USER, *_MORE))
    return {row.pk: _caller(row) for row in found}


def tokens_of(user_ids: Iterable[int]) -> Iterator[TokenRow]:
    """The tokens of these users, valid or not; one query for all."""
    rows = AuthToken.objects.filter(user_id__in=list(user_ids))
    return map(_token, rows.values_list(*_OF_TOKEN))


def caller_without_more(user: User) -> Caller:
    """A user who has no other number and is told nothing."""
    own = (getattr(user, name) for name in _OF_USER)
    return _caller(UserRow._make([*own, [], [], False]))


def renewed(token: TokenRow, caller: Caller) -> TokenRow:
    """The token as it goes on when the key that it stands on is not listed any more.

    Where that is a former key, the present one is written down.
    """
    proof, hashes = token.proof, caller.session_hashes
    if proof is None or proofs.holds(proof, hashes[:1]) or not proofs.holds(proof, hashes):
        return token
    auth_hash = proofs.bound_hash(hashes[0], proof.backend)
    present = msgspec.structs.replace(proof, auth_hash=auth_hash)
    TokenProof.objects.filter(pk=token.digest).update(auth_hash=auth_hash)
    return token._replace(proof=present)


class _Question:
    """A query that is put together once, and asked with another value each time."""

    def __init__(self, rows: QuerySet[Any, Any], *, unlike_any: Any) -> None:
        """`unlike_any` stands in the query where the values will."""
        self._sql, self._values = rows.query.sql_with_params()
        self._unlike_any = unlike_any
        assert self._values.count(unlike_any) == 1  # noqa: S101 - of this module's own queries

    def ask(self, value: Any) -> list[tuple[Any, ...]]:
        values = [value if each == self._unlike_any else each for each in self._values]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, values)
            return list(cursor.fetchall())


@cache
def _token_with_user() -> _Question:
    rows = AuthToken.objects.filter(
        digest="?", user__is_active=True, user__merged_into=None, proof__isnull=False
    )
    of_user = (f"user__{name}" for name in _OF_USER)
    columns = _with_more(rows, "user_id").values_list(*_OF_TOKEN, *of_user, *_MORE)
    return _Question(columns, unlike_any="?")


@cache
def _user() -> _Question:
    rows = _with_more(User.objects.who_may_sign_in().filter(pk=-1), "pk")
    return _Question(rows.order_by().values_list(*_OF_USER, *_MORE), unlike_any=-1)


def _with_more(rows: QuerySet[Any], root: str) -> QuerySet[Any]:
    """The same rows with the other numbers of the person, and whether something is to be told.

    `root` names the id of the user.
    """
    unseen = AccountNotice.objects.filter(user=OuterRef(root), seen_at=None)
    found: QuerySet[Any] = rows.annotate(
        merged_numbers=merged_numbers(root),
        had_numbers=former_numbers(root),
        has_notices=Exists(unseen),
    )
    return found


def _token(row: tuple[Any, ...]) -> TokenRow:
    digest, user_id, expires_at, auth_hash, backend, has_factor = row
    proof = None if auth_hash is None else SignInProof(auth_hash, backend, has_factor)
    return TokenRow(digest, user_id, expires_at, proof)


def _caller(row: UserRow) -> Caller:
    user = User(password=row.password, session_version=row.session_version)
    return Caller(
        row.pk,
        Person(row.school_number, row.full_name, Role(row.role)),
        (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()),
        other_numbers=(*row.merged_numbers, *row.had_numbers),
        has_given_password=row.must_change_password,
        has_notices=row.has_notices,
    )
