"""Sessions in PostgreSQL and in the cache, found by their owner, ended for every reader at once.

Django's engine of both places (`cached_db`) deletes an entry of the cache when a session ends, and
a reader that was slower puts it there again. Here an ended session leaves a mark in its place, and
a reader adds only where there is nothing.
"""

from typing import Any, Final

from django.contrib.sessions.backends import cached_db, db
from django.core.cache import cache
from django.utils import timezone

from users import cache_writes
from users.models import SignInSession

ENDED: Final = {"attn_ended": True}
PREFIX: Final = "attn:session:"


class _OwnTable:
    """The owner of a session is a column of its row."""

    @classmethod
    def get_model_class(cls) -> type[SignInSession]:
        return SignInSession

    def create_model_instance(self, data: dict[str, Any]) -> SignInSession:
        row: SignInSession = super().create_model_instance(data)  # type: ignore[misc]
        owner = data.get("_auth_user_id")
        row.account_id = None if owner is None else int(owner)
        return row


class StoredSession(_OwnTable, db.SessionStore):
    """As PostgreSQL has it, for when the cache does not answer."""


class SessionStore(_OwnTable, cached_db.SessionStore):
    """Django's name for the store of an engine."""

    cache_key_prefix = PREFIX

    def load(self) -> dict[str, Any]:
        key = self.cache_key
        try:
            data = cache.get(key)
        except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
            return db.SessionStore.load(self)
        if data is None:
            data = self._load_into(key)
        if data != ENDED:
            return dict(data)
        self._session_key = None
        return {}

    def _load_into(self, key: str) -> dict[str, Any]:
        """Read from PostgreSQL and add to the cache; an end that came first stays."""
        row = self._stored_row()
        if row is None:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        seconds = self.get_expiry_age(expiry=row.expire_date)
        try:
            return data if cache.add(key, data, seconds) else cache.get(key) or data
        except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
            return data

    def _stored_row(self) -> SignInSession | None:
        rows = SignInSession.objects.filter(expire_date__gt=timezone.now())
        return rows.filter(pk=self.session_key).first()

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        key = str(self.session_key)
        if not must_create and not db.SessionStore.exists(self, key):
            # It was ended between the two places.
            _mark_ended(key)

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            db.SessionStore.delete(self, key)
            _mark_ended(key)


def _mark_ended(session_key: str) -> None:
    """Say in the cache that a session has ended; its row is gone already."""
    cache_writes.put({f"{PREFIX}{session_key}": ENDED})


def expire_all(user_id: int) -> None:
    """Let the rows of a user's sessions be cleared away later.

    Deleted now, a request that is saving its session would fail.
    """
    SignInSession.objects.filter(account_id=user_id).update(expire_date=timezone.now())
