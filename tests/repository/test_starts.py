"""What every process loads before it does anything: commands, tests, each worker of a site."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from attn_project.oidc import NEEDED, OPENID_CONNECT

HEAVY = (
    # Clients, ciphers and writers of files: whoever needs one imports it.
    *("redis", "django_redis", "requests", "urllib3", "cryptography", "jwt", "fido2"),
    *("qrcode", "segno", "pyarrow", "openpyxl", "yaml", "jsonschema", "whitenoise"),
    *("rest_framework.views", "rest_framework.serializers", "drf_spectacular.openapi"),
    # Pages, and what they read and change.
    *("attn_project.urls", "attendance.admin", "courses.admin", "users.admin", "webhooks.admin"),
    *("attendance.live", "attendance.selectors", "attendance.services.persistence"),
    *("attendance.services.rosters", "reports.totals", "reports.files"),
)
"""Takes half of a start, and most commands need none of it."""

HELP = """
import sys
import manage
sys.argv = ["manage.py", "help"]
manage.main()
print("MODULES", *sorted(sys.modules))
"""
CHECKS = """
import django
from django.contrib import admin
from django.core import checks
django.setup()
before = len(admin.site._registry)
checks.run_checks(tags=["admin"])
print("PAGES", before, len(admin.site._registry))
"""


@pytest.fixture(autouse=True)
def without_campus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that signs in with a campus loads what speaks to it."""
    for name in os.environ:
        if name.startswith("ATTN_OIDC_"):
            monkeypatch.delenv(name)


def words_after(mark: str, script: str) -> list[str]:
    """What a process of its own prints in the line that begins with a mark."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(settings.BASE_DIR),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(mark)]
    return line.split()[1:]


def test_a_process_starts_without_what_most_commands_do_not_need() -> None:
    loaded = set(words_after("MODULES", HELP))

    assert {"django", "attendance.models", "attendance.listeners"} <= loaded
    assert not loaded.intersection(HEAVY)


def test_a_site_with_a_campus_speaks_its_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        monkeypatch.setenv(name, "https://login.example.org")

    assert f"{OPENID_CONNECT}.provider" in words_after("MODULES", HELP)


def test_the_checks_load_the_pages_of_the_admin_that_they_check() -> None:
    before, after = map(int, words_after("PAGES", CHECKS))

    assert before == 0
    assert after > 20
