"""What somebody sent after their session had ended: kept for them, for half an hour.

Nothing of it is done before they have signed in again and sent it once more. It is kept in the
cache, as a session would be written to PostgreSQL, and for the account that this browser was
signed in with alone: whoever signs in next does not read it, and nothing of strangers is kept.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 30 * 60
MOST_CHARACTERS: Final = 16 * 1024
WHOSE: Final = "attn_whose"
"""Cookie with the signed id of the account that was signed in here last."""
UNSENT: Final = "attn_unsent"
"""Cookie that says that something is kept, so that other pages do not ask the cache."""
_SALT: Final = "attn.whose"


class Unsent(NamedTuple):
    """A form that arrived without a session."""

    page: str
    """The page that has the form."""
    action: str
    fields: Sequence[tuple[str, str]]


def keep(request: HttpRequest, page: str) -> bool:
    """Keep the fields of a form for whoever was signed in here. Returns whether they are kept."""
    user_id = _whose(request)
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    length = sum(len(name) + len(value) for name, value in fields)
    if not user_id or request.FILES or length > MOST_CHARACTERS:
        return False
    try:
        cache.set(_key(user_id), Unsent(page, request.get_full_path(), fields), KEPT_SECONDS)
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        logger.warning("What somebody sent after their session had ended could not be kept.")
        return False
    return True


def flag(response: HttpResponseBase) -> None:
    """Tell the browser that something is kept."""
    response.set_cookie(UNSENT, "1", max_age=KEPT_SECONDS, **_of_cookies())


def of_page(request: HttpRequest, user_id: int) -> Unsent | None:
    """What is kept for this account and the page that is asked for."""
    found = _find(request, user_id)
    is_here = found is not None and found.page.partition("?")[0] == request.path
    return found if is_here else None


def drop(request: HttpRequest, response: HttpResponseBase, user_id: int) -> None:
    """Forget it: it was sent again, or is not wanted."""
    try:
        cache.delete(_key(user_id))
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return
    response.delete_cookie(UNSENT, samesite="Lax")


def drop_if_sent(request: HttpRequest, response: HttpResponseBase, user_id: int) -> None:
    """Forget what has just been sent; a server that could not take it answers with 5xx."""
    if request.method != "POST" or response.status_code >= 500:  # noqa: PLR2004
        return
    found = _find(request, user_id)
    if found is not None and found.action.partition("?")[0] == request.path:
        drop(request, response, user_id)


def remember(request: HttpRequest, response: HttpResponseBase, user_id: int) -> None:
    """Write down in the browser whose session this is, for when it has ended."""
    if _whose(request) != str(user_id):
        response.set_signed_cookie(WHOSE, str(user_id), salt=_SALT, **_of_cookies())


def _find(request: HttpRequest, user_id: int) -> Unsent | None:
    if UNSENT not in request.COOKIES:
        return None
    try:
        found = cache.get(_key(user_id))
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return None
    # The cache knows lists and no tuples.
    return None if found is None else Unsent(*found)


def _whose(request: HttpRequest) -> str:
    return str(request.get_signed_cookie(WHOSE, default="", salt=_SALT))


def _key(user_id: int | str) -> str:
    return f"unsent:{user_id}"


def _of_cookies() -> dict[str, Any]:
    return {"httponly": True, "secure": settings.SESSION_COOKIE_SECURE, "samesite": "Lax"}
