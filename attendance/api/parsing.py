"""Reading requests: JSON of the right types, without unknown fields."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from users.constraints import FIRST_INSTANT, LAST_INSTANT

MOST_PER_PAGE = 200
PER_PAGE = 50
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,50}")
_REVISION = re.compile(r"[0-9]{1,18}")


class StrictJSONParser(JSONParser):
    """JSON whose nesting cannot break the parser."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply. Send a plain object.") from None


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = {
                str(name): [serializers.ErrorDetail("There is no such field.", "unknown_field")]
                for name in data
                if name not in self.fields
            }
            if unknown:
                raise ValidationError(unknown)
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A string; a number is refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A JSON integer; a string or a boolean is refused."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Instant(serializers.DateTimeField):
    """ISO 8601 with an offset; shown in UTC."""

    default_error_messages = {  # noqa: RUF012 - as the framework declares it
        "naive": "Give instants with their offset, as in 2026-03-02T09:00:00+03:00.",
        "range": "An instant is between the years 2000 and 2100.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        try:
            instant = value.astimezone(UTC)
        except OverflowError:
            self.fail("range")
        if not FIRST_INSTANT <= instant < LAST_INSTANT:
            self.fail("range")
        return instant


class PageQuery(Strict):
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = serializers.IntegerField(
        required=False, min_value=1, default=PER_PAGE, help_text=f"At most {MOST_PER_PAGE}."
    )

    def validate_page_size(self, value: int) -> int:
        return min(value, MOST_PER_PAGE)


def body_of(request: Request, shape: type[Strict]) -> dict[str, Any]:
    """The fields of a body. Raises ValidationError and ParseError."""
    return _valid_data(shape(data=request.data))


def query_of(request: Request, shape: type[Strict]) -> dict[str, Any]:
    """The parameters of an address. Raises ValidationError."""
    return _valid_data(shape(data=request.query_params.dict()))


def _valid_data(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def expected_revision(request: Request) -> int | None:
    """The record's revision that If-Match names; 0 where there must be none.

    Raises ParseError.
    """
    if request.headers.get("If-None-Match", "").strip() == "*":
        return 0
    text = request.headers.get("If-Match", "").strip()
    if text in {"", "*"}:
        return None
    revision = _revision(text)
    if revision is None:
        raise ParseError('If-Match names the revision of the record, as in "17".')
    return revision


def known_revision(request: Request) -> int | None:
    """The revision that If-None-Match names, or None."""
    return _revision(request.headers.get("If-None-Match", "").strip())


def _revision(tag: str) -> int | None:
    text = tag.removeprefix("W/").strip('"')
    return int(text) if _REVISION.fullmatch(text) else None


def request_id_of(request: Request) -> str:
    """The caller's own id of this request: the same again changes nothing. Raises ParseError."""
    key = str(request.headers.get("Idempotency-Key", ""))
    if key and not _KEY.fullmatch(key):
        raise ParseError(
            "An Idempotency-Key has 1 to 50 letters, digits, dots, colons, hyphens or underscores."
        )
    return key
