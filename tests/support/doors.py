"""Every door of the site: its pages, those of the admin too, and the endpoints of the API."""

from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from attendance.api.urls import urlpatterns

VALUES = {
    "uuid": "0190a0a0-0000-7000-8000-000000000000",
    "int": "1",
    "str": "csv",
    "path": "1",
    "slug": "a",
}


NOT_OF_SOMEBODY = {"schema", "docs", "scans", "verification"}
"""Anybody's: they know no caller, or ask for none."""

LEAVING = {("tokens", "DELETE"), ("current-token", "DELETE"), ("tokens", "POST")}


def pages(patterns: Any = None, prefix: str = "/", namespace: str = "") -> list[tuple[str, str]]:
    """Every page of the site by name and address, those of the admin too; the API has a matrix."""
    found: list[tuple[str, str]] = []
    for each in get_resolver().url_patterns if patterns is None else patterns:
        part = prefix + _filled(each)
        if isinstance(each, URLResolver):
            inner = each.namespace or namespace
            found += [] if inner == "api" else pages(each.url_patterns, part, inner)
        elif isinstance(each, URLPattern):
            found.append((each.name or "", part))
    return found


def _filled(each: Any) -> str:
    text = str(each.pattern)
    for name, converter in getattr(each.pattern, "converters", {}).items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        value = VALUES.get({"string": "str"}.get(kind, kind), "1")
        text = text.replace(f"<{kind}:{name}>", value).replace(f"<{name}>", value)
        text = text.replace(f"<{ {'string': 'str'}.get(kind, kind) }:{name}>", value)
    for part, value in (
        (r"^(?:c|C)/(?P<short>[A-Za-z0-9]{4})/(?P<code>[0-9A-Fa-f]{20})/?$", "C/AAAA/" + "0" * 20),
        (r"(?P<url>.*)$", "x"),
        (r"^(?P<app_label>", "("),
    ):
        text = text.replace(part, value)
    if text.startswith("("):
        text = text[1:].split("|")[0].rstrip(")/$") + "/"
    return text.lstrip("^")


def endpoints_of_somebody() -> list[tuple[str, str, str]]:
    """Name, method and address of those that answer for a caller, and not to end a credential."""
    return [
        each for each in _endpoints() if each[0] not in NOT_OF_SOMEBODY and each[:2] not in LEAVING
    ]


def _endpoints() -> list[tuple[str, str, str]]:
    found = []
    for each in urlpatterns:
        view = getattr(each.callback, "view_class", None)
        names = ("get", "post", "put", "patch", "delete")
        methods = [name.upper() for name in names if hasattr(view, name)] if view else ["POST"]
        found += [(each.name or "", method, _filled(each)) for method in methods]
    return found
