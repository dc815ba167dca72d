"""Two classes never share a name: whoever reads one need not ask which it is."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tests.support.sources import parsed, statements

ROOT = Path(settings.BASE_DIR)
FOLDERS = (
    *("attendance", "attn_project", "bench", "courses", "demo", "jobs", "launcher"),
    *("reports", "tests", "users", "webhooks"),
)
# Django and factory-boy give these names their meaning.
GIVEN = {"Command", "Media", "Meta", "Migration", "Params"}


def classes_in(text: str) -> Iterator[str]:
    """The names of a module's classes, also of those inside others."""
    for node in statements(parsed(text)):
        if isinstance(node, ast.ClassDef) and node.name not in GIVEN:
            yield node.name


def shared_names(texts: dict[str, str]) -> dict[str, list[str]]:
    """The names of several classes, and the files of those."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, text in texts.items():
        for name in classes_in(text):
            found[name].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_two_classes_never_share_a_name() -> None:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert shared_names({str(path.relative_to(ROOT)): path.read_text() for path in paths}) == {}


def test_a_shared_name_is_found() -> None:
    texts = {
        "a.py": "class Lesson:\n    class Meta: ...",
        "b.py": "class Course:\n    class Lesson: ...\n    class Meta: ...",
        "c.py": "class Room: ...\nclass Room: ...",
        "d.py": "class Rooms: ...",
    }
    assert shared_names(texts) == {"Lesson": ["a.py", "b.py"], "Room": ["c.py", "c.py"]}
