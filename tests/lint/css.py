"""Style sheets: syntax, variables that nobody sets, a property that is set twice in one rule."""

import re
from collections.abc import Collection, Iterator

import tree_sitter_css
from tree_sitter import Language, Node, Parser

from tests.lint.fault import ROOT, Fault, every, line_of, syntax_errors, text_of

FOLDER = ROOT / "attendance" / "static" / "attendance"

_PARSER = Parser(Language(tree_sitter_css.language()))


def faults() -> list[Fault]:
    """What is wrong with the style sheets of the pages."""
    sheets = sorted(FOLDER.glob("*.css"))
    known = variables(sheet.read_text() for sheet in sheets)
    return [
        Fault(sheet, line, what)
        for sheet in sheets
        for line, what in check(sheet.read_text(), known)
    ]


def variables(texts: Iterator[str]) -> set[str]:
    """Every variable that is set somewhere."""
    return {name for text in texts for name in re.findall(r"(--[\w-]+)\s*:", text)}


def check(text: str, known: Collection[str]) -> Iterator[tuple[int, str]]:
    root = _PARSER.parse(text.encode()).root_node
    yield from syntax_errors(root)
    for node in every(root):
        if node.type == "block":
            yield from _set_twice(node)
        elif node.type == "call_expression":
            yield from _unknown_variable(node, known)


def _set_twice(block: Node) -> Iterator[tuple[int, str]]:
    seen = set()
    for each in block.children:
        if each.type != "declaration":
            continue
        name = text_of(each.children[0])
        if name in seen:
            yield line_of(each), f"{name} is set twice in one rule"
        seen.add(name)


def _unknown_variable(call: Node, known: Collection[str]) -> Iterator[tuple[int, str]]:
    name, arguments = call.children[:2]
    if text_of(name) != "var":
        return
    wanted = text_of(arguments.children[1])
    if wanted not in known:
        yield line_of(call), f"{wanted} is set nowhere"
