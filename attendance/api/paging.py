"""Pages of a list, newest first: `results`, and where the next and the previous ones are."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from attendance.selectors.paging import Page, Slice

NO_PAGE = "There is no such page. Use the addresses in next and previous."


def slice_of(query: dict[str, Any], parse: Callable[[str], Any]) -> Slice:
    """Which part of a list a request asks for. Raises NotFound for a strange cursor."""
    text, limit = query.get("cursor", ""), query["page_size"]
    if not text:
        return Slice(limit=limit)
    try:
        plain = urlsafe_b64decode(text.encode()).decode()
        key = parse(plain[1:])
    except ValueError:
        raise NotFound(NO_PAGE, "page_not_found") from None
    if plain[:1] == "b":
        return Slice(before=key, limit=limit)
    if plain[:1] == "a":
        return Slice(after=key, limit=limit)
    raise NotFound(NO_PAGE, "page_not_found")


def respond(request: Request, page: Page[Any], results: Sequence[Any]) -> Response:
    """A page of a list, with the addresses of the next and the previous page."""
    return Response(
        {
            "results": results,
            "next": _address(request, "b", page.next_key),
            "previous": _address(request, "a", page.previous_key),
        }
    )


def whole(results: Sequence[Any], *, headers: dict[str, str] | None = None) -> Response:
    """A list that is never cut."""
    return Response({"results": results, "next": None, "previous": None}, headers=headers)


def _address(request: Request, direction: str, key: Any) -> str | None:
    if key is None:
        return None
    cursor = urlsafe_b64encode(f"{direction}{key}".encode()).decode()
    address: str = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
    return address
