"""What a check has found, and the syntax errors that every language has."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tree_sitter import Node

ROOT = Path(__file__).resolve().parent.parent.parent


class Fault(NamedTuple):
    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {self.what}"


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def line_of(node: Node) -> int:
    return node.start_point.row + 1


def every(node: Node) -> Iterator[Node]:
    """A node, and all below it."""
    yield node
    for child in node.children:
        yield from every(child)


def syntax_errors(root: Node) -> Iterator[tuple[int, str]]:
    """The line of each error, and what it is."""
    for node in every(root):
        if node.is_missing:
            yield line_of(node), f"{node.type} is missing"
        elif node.is_error:
            yield line_of(node), f"does not belong here: {text_of(node)[:40]!r}"
