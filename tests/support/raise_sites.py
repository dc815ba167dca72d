"""Where errors of ATTN are made, read from the source: their templates and values."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from attendance import errors as _attendance
from courses import errors as _courses
from reports import errors as _reports
from tests.support.sources import parsed, statements
from users import errors as _users
from users.errors import AttnError
from webhooks import errors as _webhooks

MODULES = (_users, _courses, _attendance, _reports, _webhooks)
"""All that define errors; a kind is known once its module has been read."""
MARKER = "gettext_noop"
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdr]")


class RaiseSite(NamedTuple):
    line: int
    error: type[AttnError]
    template: str
    """Its own, or the one of its kind."""
    values: frozenset[str]


class RaiseFault(NamedTuple):
    line: int
    says: str


def kinds(base: type[AttnError] = AttnError) -> Iterator[type[AttnError]]:
    """Every class of errors."""
    yield base
    for each in base.__subclasses__():
        yield from kinds(each)


def placeholders(template: str) -> list[str]:
    """Each placeholder as it is written. Raises ValueError where something else looks like one."""
    if "%" in PLACEHOLDER.sub("", template).replace("%%", ""):
        raise ValueError(f"a % that is no placeholder: {template!r}")
    return sorted(found.group() for found in PLACEHOLDER.finditer(template))


@cache
def read(source: str) -> tuple[list[RaiseSite], list[RaiseFault]]:
    """Every error that is made in a module, and what is wrong with how it is made."""
    tree = parsed(source)
    reader = _Reader(_markers(tree))
    reader.learn_constants(tree)
    reader.visit(tree)
    return reader.sites, reader.faults


def _markers(tree: ast.Module) -> set[str]:
    """The names under which the module knows the marker: a gettext would translate too early."""
    return {
        alias.asname or alias.name
        for node in statements(tree)
        if isinstance(node, ast.ImportFrom) and node.module == AttnError.__module__
        for alias in node.names
        if alias.name == MARKER
    }


class _Reader(ast.NodeVisitor):
    def __init__(self, markers: set[str]) -> None:
        self._markers = markers
        self._constants: dict[str, str] = {}
        self._kinds = {kind.__name__: kind for kind in kinds()}
        self.sites: list[RaiseSite] = []
        self.faults: list[RaiseFault] = []

    def learn_constants(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                template = self._template(node.value)
                if template is not None:
                    self._constants[node.targets[0].id] = template

    def visit_Raise(self, node: ast.Raise) -> None:
        kind = self._kind(node.exc)
        if kind is not None:
            self._note(RaiseSite(node.lineno, kind, kind.default_message, frozenset()))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        kind = self._kind(node.func)
        if kind is not None:
            self._call(node, kind)
        self.generic_visit(node)

    def _call(self, node: ast.Call, kind: type[AttnError]) -> None:
        template = self._template(node.args[0]) if node.args else kind.default_message
        values = [keyword.arg for keyword in node.keywords if keyword.arg]
        if template is None:
            self.faults.append(RaiseFault(node.lineno, "the message is no marked literal"))
        elif len(values) < len(node.keywords) or len(node.args) > 1:
            self.faults.append(RaiseFault(node.lineno, "values are given by name, one by one"))
        else:
            self._note(RaiseSite(node.lineno, kind, template, frozenset(values)))

    @staticmethod
    def _given(site: RaiseSite) -> frozenset[str]:
        """The error itself makes words of the seconds to wait."""
        return site.values | {"wait"} if "retry_after" in site.values else site.values

    def _note(self, site: RaiseSite) -> None:
        wanted = set(PLACEHOLDER.findall(site.template))
        for name in wanted - self._given(site):
            self.faults.append(RaiseFault(site.line, f"no value for {name}"))
        for name in site.values - wanted - site.error.facts:
            self.faults.append(
                RaiseFault(site.line, f"{name} is neither in the message nor a fact")
            )
        self.sites.append(site)

    def _kind(self, node: ast.expr | None) -> type[AttnError] | None:
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        return self._kinds.get(name)

    def _template(self, node: ast.expr) -> str | None:
        match node:
            case ast.Name(id=name):
                return self._constants.get(name)
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text))]):
                return text if name in self._markers else None
            case _:
                return None
