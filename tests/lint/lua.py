"""The scripts of the live store, each as Redis gets it: put together from its parts.

What is wrong in a part is said once. A function of a part may be left unused by a script,
but not by all of them.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import tree_sitter_lua
from tree_sitter import Language, Parser

from attendance.live import client
from tests.lint.fault import ROOT, Fault, every, line_of, syntax_errors, text_of
from tests.lint.scopes import Finding, Scopes

FOLDER = ROOT / "attendance" / "live" / "scripts"
LONGEST = 100
_PARSER = Parser(Language(tree_sitter_lua.language()))
_NEWER = {"//", "&", "|", "~", "<<", ">>", "goto", "label_statement", "attribute"}
"""What later versions of Lua have and Redis has not."""


def scripts() -> dict[str, Sequence[Path]]:
    """Every script, and the files that it is put together from."""
    names = [path.stem for path in FOLDER.glob("*.lua")]
    shared = {path.stem for name in names for path in client.parts(name)[:-1]}
    return {name: client.parts(name) for name in sorted(set(names) - shared)}


def faults() -> list[Fault]:
    """What is wrong with the scripts, in the order of files and lines."""
    return faults_of(list(scripts().values()))


def faults_of(scripts: Sequence[Sequence[Path]]) -> list[Fault]:
    """What is wrong with scripts that are put together from these files."""
    texts = {path: path.read_text() for files in scripts for path in files}
    found = {Fault(path, *each) for path, text in texts.items() for each in layout(text)}
    unused: Counter[Fault] = Counter()
    for files in scripts:
        for finding in check("\n".join(texts[path] for path in files)):
            fault = Fault(*_place(finding.line, files, texts), finding.what)
            if finding.is_unused:
                unused[fault] += 1
            else:
                found.add(fault)
    for fault, times in unused.items():
        if times == sum(fault.path in files for files in scripts):
            found.add(fault)
    return sorted(found)


def _place(line: int, files: Sequence[Path], texts: Mapping[Path, str]) -> tuple[Path, int]:
    for path in files:
        length = texts[path].count("\n") + 1
        if line <= length:
            return path, line
        line -= length
    raise AssertionError("unreachable")


def check(text: str) -> Collection[Finding]:
    """What is wrong with one whole script."""
    root = _PARSER.parse(text.encode()).root_node
    if root.has_error:
        return [Finding(line, what) for line, what in syntax_errors(root)]
    newer = [
        Finding(line_of(node), f"Redis's Lua is 5.1: {text_of(node)}")
        for node in every(root)
        if node.type in _NEWER
    ]
    return newer + Scopes().of_script(root)


def layout(text: str) -> Iterator[tuple[int, str]]:
    """Two spaces, a hundred columns, single quotes."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST:
            yield number, f"longer than {LONGEST} columns"
        if line != line.rstrip() or "\t" in line:
            yield number, "a tab, or spaces at the end"
        if re.match(r"(  )* \S", line):
            yield number, "is not indented by twos"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield text.count("\n"), "does not end in one line break"
    for node in every(_PARSER.parse(text.encode()).root_node):
        if node.type == "string" and text_of(node).startswith('"') and "'" not in text_of(node):
            yield line_of(node), "double quotes"
