"""The source of ATTN, as tests read it that look at its shape."""

import ast
from collections.abc import Iterator
from functools import cache


@cache
def parsed(text: str) -> ast.Module:
    """The tree of a module; several tests look at the same."""
    return ast.parse(text)


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement, also inside functions and classes: a tenth of what `ast.walk` goes over."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, name, ()):
            if isinstance(node, ast.stmt):
                yield node
            yield from statements(node)
