"""Each lock resolves, by hash and from wheels alone, for every Python that ATTN takes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# A tool of the tests needs 3.11.5; the site and the demo take 3.11.0 as well.
PYTHONS = ("3.11.5", "3.12", "3.13", "3.14")
# The lock of development holds those of the site and of the demo.
LOCKS = ("dev", "postgres", "redis")
AWAY = re.compile(r"Retrying \(|NewConnectionError|Name or service not known|timed out")


@pytest.mark.long
@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_resolve(python: str, tmp_path: Path) -> None:
    locks = [text for name in LOCKS for text in ("-r", f"requirements/{name}.txt")]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-input"]
    command += ["--python-version", python, "--target", str(tmp_path / "none"), *locks]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and AWAY.search(done.stderr + done.stdout):
        pytest.skip("The package index cannot be reached.")
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_same_versions_of_python_are_named_everywhere() -> None:
    minors = [python.split(".")[1] for python in PYTHONS]
    first, last = minors[0], minors[-1]
    assert f"(3, {first}) <= sys.version_info[:2] <= (3, {last})" in (ROOT / "attn").read_text()
    wanted = f'requires-python = ">=3.{first},<3.{int(last) + 1}"'
    assert wanted in (ROOT / "pyproject.toml").read_text()
    named = f"Python {', '.join(f'3.{minor}' for minor in minors[:-1])} or 3.{last}"
    for path in ("README.md", "docs/tutorial/first-steps.md", "docs/reference/launcher.md", "attn"):
        assert named in (ROOT / path).read_text(), path
