"""Names in Lua: what is used is there, what is there is used, nothing hides something else."""

from collections.abc import Callable
from typing import NamedTuple

from tree_sitter import Node

from tests.lint.fault import line_of, text_of

LIBRARIES = {
    "cjson": {"decode", "encode", "null"},
    "math": {"abs", "ceil", "floor", "fmod", "huge", "max", "min", "modf", "pow", "sqrt"},
    "redis": {"call", "error_reply", "log", "pcall", "sha1hex", "status_reply"},
    "string": {"byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match"}
    | {"rep", "reverse", "sub", "upper"},
    "table": {"concat", "insert", "remove", "sort"},
}
GLOBALS = {"ARGV", "KEYS", "assert", "error", "ipairs", "next", "pairs", "pcall", "select"} | {
    *("tonumber", "tostring", "type", "unpack"),
    *LIBRARIES,
}
"""What Redis gives to a script; not all of it, but what serves here."""


class Finding(NamedTuple):
    line: int
    what: str
    is_unused: bool = False


class Local:
    def __init__(self, line: int) -> None:
        self.line = line
        self.is_used = False


class Scopes:
    """A walk through one script that knows which names are visible."""

    def __init__(self) -> None:
        self._open: list[dict[str, Local]] = []
        self._found: list[Finding] = []
        self._visits: dict[str, Callable[[Node], None]] = {
            "function_declaration": self._function,
            "function_definition": self._function_body,
            "variable_declaration": self._declaration,
            "assignment_statement": self._assignment,
            "for_statement": self._loop,
            "repeat_statement": self._repeat,
            "dot_index_expression": self._field_of,
            "method_index_expression": self._method_of,
            "field": self._table_field,
            "block": self._in_scope,
            "identifier": self._use,
            "attribute": lambda node: None,
            "goto_statement": lambda node: None,
            "label_statement": lambda node: None,
        }

    def of_script(self, root: Node) -> list[Finding]:
        self._in_scope(root)
        return self._found

    def _visit(self, node: Node | None) -> None:
        if node is not None:
            self._visits.get(node.type, self._below)(node)

    def _below(self, node: Node) -> None:
        for child in node.named_children:
            self._visit(child)

    def _in_scope(self, node: Node) -> None:
        self._enter()
        self._below(node)
        self._leave()

    def _enter(self) -> None:
        self._open.append({})

    def _leave(self) -> None:
        for name, local in self._open.pop().items():
            if not local.is_used and name != "_":
                self._found.append(Finding(local.line, f"{name} is not used", is_unused=True))

    def _local(self, name: str) -> Local | None:
        return next((scope[name] for scope in reversed(self._open) if name in scope), None)

    def _declare(self, node: Node) -> None:
        name = text_of(node)
        if name != "_" and (name in GLOBALS or self._local(name)):
            self._found.append(Finding(line_of(node), f"{name} hides another {name}"))
        self._open[-1][name] = Local(line_of(node))

    def _use(self, node: Node) -> None:
        local = self._local(text_of(node))
        if local is not None:
            local.is_used = True
        elif text_of(node) not in GLOBALS:
            self._found.append(Finding(line_of(node), f"{text_of(node)} is not defined"))

    def _set(self, node: Node) -> None:
        if node.type != "identifier":
            self._visit(node)
        elif self._local(text_of(node)) is None:
            self._found.append(Finding(line_of(node), f"{text_of(node)} is set, and not local"))

    def _function(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        assert name is not None
        if node.children[0].type == "local":
            self._declare(name)
        else:
            self._set(name)
        self._function_body(node)

    def _function_body(self, node: Node) -> None:
        self._enter()
        parameters = node.child_by_field_name("parameters")
        for each in parameters.named_children if parameters else []:
            if each.type == "identifier":
                self._declare(each)
        self._visit(node.child_by_field_name("body"))
        self._leave()

    def _declaration(self, node: Node) -> None:
        within = node.named_children[0]
        assigned = within if within.type == "assignment_statement" else node
        for values in assigned.named_children:
            if values.type == "expression_list":
                self._visit(values)
        for names in assigned.named_children:
            if names.type == "variable_list":
                self._declare_all(names)

    def _declare_all(self, names: Node) -> None:
        for each in names.named_children:
            if each.type == "identifier":
                self._declare(each)

    def _assignment(self, node: Node) -> None:
        targets, values = node.named_children
        self._visit(values)
        for each in targets.named_children:
            self._set(each)

    def _loop(self, node: Node) -> None:
        clause = node.child_by_field_name("clause")
        assert clause is not None
        names, *values = clause.named_children
        for each in values:
            self._visit(each)
        self._enter()
        if names.type == "variable_list":
            self._declare_all(names)
        else:
            self._declare(names)
        self._visit(node.child_by_field_name("body"))
        self._leave()

    def _repeat(self, node: Node) -> None:
        """What is local in the body is still visible to the condition."""
        self._enter()
        body = node.child_by_field_name("body")
        if body is not None:
            self._below(body)
        self._visit(node.child_by_field_name("condition"))
        self._leave()

    def _field_of(self, node: Node) -> None:
        table, field = node.named_children
        self._visit(table)
        library = LIBRARIES.get(text_of(table)) if table.type == "identifier" else None
        if library and not self._local(text_of(table)) and text_of(field) not in library:
            self._found.append(Finding(line_of(node), f"{text_of(node)} is not defined"))

    def _method_of(self, node: Node) -> None:
        self._visit(node.named_children[0])

    def _table_field(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is not None and node.children[0].type == "[":
            self._visit(name)
        self._visit(node.child_by_field_name("value"))
