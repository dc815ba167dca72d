"""The commands with which a release is made ready pass, on real servers."""

import tempfile
from pathlib import Path

import pytest

from tests.support.processes import manage


@pytest.mark.django_db
def test_static_files_are_collected_and_named_after_their_content() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = manage(
            *("collectstatic", "--noinput", "-v", "0"),
            # Large, and compressed for a minute.
            *("--ignore", "drf_spectacular_sidecar"),
            env={"ATTN_STATIC_ROOT": folder},
        )
        assert done.returncode == 0, done.stderr
        assert list(Path(folder).glob("attendance/tokens.*.css.gz"))
        assert (Path(folder) / "staticfiles.json").exists()


@pytest.mark.django_db
def test_production_settings_have_nothing_to_complain_about() -> None:
    production = {
        "ATTN_HTTPS": "true",
        "ATTN_DEBUG": "false",
        "ATTN_ALLOWED_HOSTS": "attn.example.org",
    }
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=production)
    assert done.returncode == 0, done.stderr
