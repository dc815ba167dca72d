"""What CONTRIBUTING draws of the layers is what import-linter checks."""

import re
import tomllib
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def names(line: str) -> set[str]:
    """The modules of one layer, without what is said of it."""
    drawn = re.split(r"\s{2,}", line.strip())[0]
    return {name.strip() for name in re.split(r"[|:]", drawn)}


def drawings() -> list[list[set[str]]]:
    """The layers of each drawing, from top to bottom."""
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Layers")[2].partition("## Style")[0]
    blocks = re.findall(r"(?:^    .+\n)+", text, re.MULTILINE)
    return [[names(line) for line in block.splitlines()] for block in blocks]


def test_contributing_draws_the_layers_that_are_checked() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages, attendance, reports = (contract["layers"] for contract in tool["contracts"][:3])
    at = packages.index("attendance") + 1
    whole = [*packages[:at], *attendance, *packages[at:]]
    assert drawings() == [[names(layer) for layer in layers] for layers in (whole, reports)]
