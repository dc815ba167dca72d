"""What CONTRIBUTING draws of the layers is what import-linter checks."""

import re
import tomllib
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def names(line: str) -> set[str]:
    """The modules of one layer, without what is said of it."""
    drawn = re.split(r"\s{2,}", line.strip())[0]
    return {name.strip() for name in drawn.split("|")}


def test_contributing_draws_the_layers_that_are_checked() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Layers")[2]
    drawn = [
        names(line) for line in text.partition("## Style")[0].splitlines() if line[:4] == "    "
    ]
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages, attendance = (contract["layers"] for contract in tool["contracts"][:2])
    at = packages.index("attendance") + 1
    checked = [names(layer) for layer in (*packages[:at], *attendance, *packages[at:])]
    assert drawn == checked
