"""Documents as tests: what is there is described, and what is linked exists."""

import ast
import re
from argparse import Action
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import find_commands, load_command_class

from attendance.errors import AttendanceError
from attendance.live import keys
from attendance.selectors.alarms import KINDS, AlarmKind
from attn_project.oidc import NEEDED
from courses.errors import CourseError
from users.errors import UserError
from webhooks.errors import WebhookError

ROOT = Path(settings.BASE_DIR)
REFERENCE = ROOT / "docs" / "reference"
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def setting_names() -> set[str]:
    """Every variable that the settings read, found in their syntax."""
    readers = {"str", "bool", "int", "list", "required", "choice", "choices", "networks"}
    names = set(NEEDED)
    modules = ("settings", "reading", "stream_settings", "oidc", "mail")
    files = [ROOT / "attn_project" / f"{name}.py" for name in modules]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            reader = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            reader = node.func.id if isinstance(node.func, ast.Name) else reader
            value = node.args[0].value
            if reader in readers and isinstance(value, str) and value.isupper():
                names.add(value)
    return names


def test_settings_are_found() -> None:
    assert {"ATTN_SECRET_KEY", "DATABASE_URL", "ATTN_SCHEDULER"} <= setting_names()


@pytest.mark.parametrize("name", sorted(setting_names()))
def test_a_setting_is_described(name: str) -> None:
    assert f"`{name}`" in (REFERENCE / "settings.md").read_text()
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def commands() -> list[tuple[str, str]]:
    return [
        (label, name)
        for label in ("attendance", "courses", "demo", "reports", "users", "webhooks")
        for name in find_commands(str(Path(apps.get_app_config(label).path) / "management"))
    ]


@pytest.mark.parametrize(("label", "name"), commands())
def test_a_command_is_described_with_its_options(label: str, name: str) -> None:
    text = (REFERENCE / "commands.md").read_text()
    section = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert section
    command = load_command_class(label, name)
    assert (
        f"  ./attn {'manage ' if name != 'demo' else ''}{name}"
        in command.create_parser("x", name).format_help()
    )
    common = {"-h", "--help", "--version", "-v", "--verbosity", "--settings", "--pythonpath"}
    common |= {"--traceback", "--no-color", "--force-color", "--skip-checks"}
    actions: list[Action] = command.create_parser("manage.py", name)._actions
    for option in {option for action in actions for option in action.option_strings} - common:
        assert option in section


@pytest.mark.parametrize("command", ["demo", "test", "serve", "manage", "exec", "up", "down"])
def test_a_command_of_the_launcher_is_described(command: str) -> None:
    assert f"| `{command}" in (REFERENCE / "launcher.md").read_text()


def key_patterns() -> set[str]:
    """The patterns in the docstring of keys.py, which lists every key."""
    return set(re.findall(r"^\s+(attn:\S+(?: \S+>\S*)*)\s{2,}\w", keys.__doc__ or "", re.MULTILINE))


def test_every_key_is_listed_where_keys_are_named() -> None:
    made = {"DUE", "OUTBOXES", "PARKED", "SITE", "DISCARDED", "NAMES"} | {
        node.name
        for node in ast.walk(ast.parse(Path(keys.__file__ or "").read_text()))
        if isinstance(node, ast.FunctionDef) and node.name != "of_lesson"
    }
    assert len(key_patterns()) == len(made)


@pytest.mark.parametrize("pattern", sorted(key_patterns()))
def test_a_key_is_described(pattern: str) -> None:
    assert f"`{pattern}`" in (REFERENCE / "redis-keys.md").read_text()


@pytest.mark.parametrize(
    "code",
    sorted(
        error.code
        for base in (AttendanceError, CourseError, UserError, WebhookError)
        for error in (base, *base.__subclasses__())
    ),
)
def test_an_error_is_described(code: str) -> None:
    assert f"`{code}`" in (REFERENCE / "errors.md").read_text()


@pytest.mark.parametrize("label", ["attendance", "courses", "jobs", "reports", "users", "webhooks"])
def test_tables_and_rules_are_described(label: str) -> None:
    text = (REFERENCE / "tables.md").read_text()
    for model in apps.get_app_config(label).get_models():
        assert f"## {model._meta.db_table}" in text
        for rule in model._meta.constraints:
            assert f"`{rule.name}`" in text


def test_a_system_check_is_described() -> None:
    ids = set(re.findall(r'id="(attn\.\w+)"', (ROOT / "attendance" / "checks.py").read_text()))
    ids |= {kind.check for kind in KINDS.values() if kind.check}
    text = (REFERENCE / "health.md").read_text()
    assert len(ids) > 10
    assert all(f"`{name}`" in text for name in ids)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_an_alarm_is_described_and_has_its_repair(kind: AlarmKind) -> None:
    assert f"| `{kind.code}` | {kind.severity} |" in (REFERENCE / "health.md").read_text()
    path, _, anchor = kind.see.partition("#")
    assert f"\n## {anchor}\n" in (ROOT / path).read_text()


def test_every_repair_is_of_an_alarm() -> None:
    text = (ROOT / "docs" / "how-to" / "repair.md").read_text()
    assert set(re.findall(r"^## ([a-z_]+)$", text, re.MULTILINE)) == set(KINDS)


def test_a_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "decisions" / "0011-dependencies.md").read_text()
    for file in (ROOT / "requirements").glob("*.in"):
        for line in file.read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                assert re.split(r"==", line)[0].partition("[")[0] in text


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_documents_name_no_machine(path: Path) -> None:
    assert not re.search(r"/(root|home|work)/", path.read_text())


def test_locks_hold_no_path_and_no_host() -> None:
    for lock in (ROOT / "requirements.txt", *(ROOT / "requirements").glob("*.txt")):
        assert not re.search(r"file:|https?:|--index|--extra|--find|/", _without_via(lock))


def _without_via(lock: Path) -> str:
    """The lock without the comments that say who needs a package."""
    return "\n".join(
        line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")
    )
