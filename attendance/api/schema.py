"""The OpenAPI document: problems for every endpoint, and the plain view described by hand."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from attendance.api import responses
from attendance.api.problems import CONTENT_TYPE

_READING = (400, 401, 403, 404, 406, 410, 503)
_WRITING = (409, 412, 413, 415, 422, 429)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_TOKEN_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "The word Token, a space, and the token.",
}
_SESSION_SCHEME = {"type": "apiKey", "in": "cookie", "name": "sessionid"}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,50}$"},
    OpenApiParameter.HEADER,
    description="Your own id of this request: the same again changes nothing.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": '^(\\*|(W/)?"[0-9]{1,18}")$'},
    OpenApiParameter.HEADER,
    description="The record's revision that you have seen; 412 where it is another by now.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The revision that you have; 304 where nothing has changed since.",
)


@cache
def page_of(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The shape of a list; one for each shape, because two of one name are two components."""
    fields = {
        "results": shape(many=True),
        "next": serializers.CharField(allow_null=True),
        "previous": serializers.CharField(allow_null=True),
        "__module__": __name__,
    }
    # spectacular names a component without this suffix.
    name = f"{shape.__name__.removesuffix('Serializer')}PageSerializer"
    serializer: serializers.Serializer[Any] = type(name, (serializers.Serializer,), fields)()
    return serializer


Direction = Literal["request", "response"]


class ProblemSchema(AutoSchema):
    """Adds the problems that any endpoint can answer with."""

    def get_auth(self) -> list[dict[str, list[str]]]:
        if not self.view.authentication_classes:
            return []
        schemes: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
        is_open = any(isinstance(each, AllowAny) for each in self.view.get_permissions())
        return [*schemes, {}] if is_open else schemes

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        # Registers the component, so that it can be referenced.
        self.resolve_serializer(responses.ProblemSerializer, direction)
        expected = _READING if self.method == "GET" else _READING + _WRITING
        return bodies | {str(status): _problem(status) for status in expected}

    def get_operation_id(self) -> str:
        path = re.sub(r"\{\w+\}", "one", self.path.removeprefix("/api/v1/")).strip("/")
        return f"{re.sub(r'[/-]', '_', path)}_{self.method.lower()}"

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]


def _problem(status: int) -> dict[str, Any]:
    return {"description": f"Problem {status}", "content": {CONTENT_TYPE: {"schema": _PROBLEM}}}


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """spectacular's hook: add what it cannot derive from the views."""
    schemes = {"token": _TOKEN_SCHEME, "session": _SESSION_SCHEME}
    components = result.setdefault("components", {})
    components["securitySchemes"] = schemes
    components["schemas"] |= _CHECK_IN_SCHEMAS
    result["paths"]["/api/v1/lessons/{lesson_id}/check-in/"] = {"post": _CHECK_IN}
    _bound_texts(result)
    for path, operation in _deletions(result):
        if path.endswith(("/lessons/{lesson_id}/", "/records/{school_number}/")):
            operation["requestBody"] = _REASON_BODY
    # A caller with a session sends no body.
    result["paths"]["/api/v1/auth/tokens/"]["post"]["requestBody"]["required"] = False
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _bound_texts(result: dict[str, Any]) -> None:
    """Say which characters texts may have, and that requests have no other fields."""
    for name, shape in result["components"]["schemas"].items():
        if name.endswith("Request"):
            shape["additionalProperties"] = False
            for field, kind in shape["properties"].items():
                _refuse_nul(kind, _PATTERNS.get(field, _NO_NUL))
    for operations in result["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                _refuse_nul(parameter["schema"], _NO_NUL)


def _refuse_nul(kind: dict[str, Any], pattern: str) -> None:
    if kind.get("type") == "string" and not {"enum", "format", "pattern"} & set(kind):
        # Spaces alone are nothing, as everywhere.
        is_blank_refused = pattern == _NO_NUL and kind.get("minLength")
        kind["pattern"] = _SOMETHING if is_blank_refused else pattern


def _deletions(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in result["paths"].items():
        if "delete" in operations:
            yield path, operations["delete"]


_INK = r"[^\s\u0000-\u001f\u007f-\u009f]"
_ONE_LINE = rf"^{_INK}([^\u0000-\u001f\u007f-\u009f\u2028\u2029]*{_INK})?$"
_NO_NUL = r"^[^\u0000]*$"
# Each of the spaces that Python strips: regular expressions of other languages know other ones.
_SPACES = (
    r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680"
    r"\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SOMETHING = rf"^[^\u0000]*[^\u0000{_SPACES}][^\u0000]*$"
_EMPTY_OR_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
_PATTERNS = dict.fromkeys(("lesson_name", "full_name", "reason"), _ONE_LINE) | dict.fromkeys(
    ("note", "why"), _EMPTY_OR_LINE
)
_REASON_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "reason": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 500,
                        "pattern": _ONE_LINE,
                    }
                },
                "required": ["reason"],
            }
        }
    },
}
_CHECK_IN_SCHEMAS = {
    "CheckInRequest": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "code": {
                "type": "string",
                "maxLength": 40,
                "description": "The code, typed or from the link.",
            },
            "scan": {
                "type": "string",
                "maxLength": 400,
                "description": "From lessons/{id}/scans/.",
            },
        },
    }
}
_CHECKED_IN = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CheckedIn"}}}
}
_CHECK_IN = {
    "operationId": "lessons_one_check_in_post",
    "description": "Say that you are here. Who you are comes from your credential alone.",
    "tags": ["lessons"],
    "parameters": [
        {
            "in": "path",
            "name": "lesson_id",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
    ],
    "requestBody": {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CheckInRequest"}}}
    },
    "security": [{"token": []}, {"session": []}],
    "responses": {
        "200": {"description": "You were here before: the first record.", **_CHECKED_IN},
        "201": {"description": "You are here.", **_CHECKED_IN},
        **{str(status): _problem(status) for status in (*_READING, *_WRITING)},
    },
}
