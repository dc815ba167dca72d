"""The files for Docker and systemd name what exists, and let the live store keep its marks."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def words_of(name: str) -> list[str]:
    return [str(word) for word in SERVICES[name]["command"]]


def test_the_live_store_keeps_what_it_acknowledges() -> None:
    words = words_of("live")
    given = dict(zip(words[1::2], words[2::2], strict=True))
    assert given == {
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--maxmemory-policy": "noeviction",
        "--save": "",
        "--requirepass": "${LIVE_PASSWORD}",
    }
    assert SERVICES["live"]["volumes"] == ["live:/data"]


def test_every_variable_of_the_site_is_a_setting() -> None:
    modules = ("settings", "mail")
    source = "".join((ROOT / "attn_project" / f"{name}.py").read_text() for name in modules)
    documented = (ROOT / "docs" / "reference" / "settings.md").read_text()
    for name in SERVICES["site"]["environment"]:
        assert f'"{name}"' in source
        assert f"`{name}`" in documented


def test_secrets_come_from_outside() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in (
        *("ATTN_SECRET_KEY", "POSTGRES_PASSWORD", "LIVE_PASSWORD", "CACHE_PASSWORD", "ATTN_HOST"),
    ):
        assert f"${{{name}:?" in text
    assert "SECRET_KEY" not in (ROOT / "Dockerfile").read_text().partition("USER attn")[2]


def test_the_stream_is_given_its_own_key_and_nothing_that_signs_for_the_site() -> None:
    given = SERVICES["stream"]["environment"]
    assert set(given) == {"ATTN_STREAM_KEY", "REDIS_URL", "ATTN_ALLOWED_HOSTS"}
    assert "${ATTN_STREAM_KEY:?" in given["ATTN_STREAM_KEY"]
    unit = (ROOT / "deploy" / "attn-stream.service").read_text()
    assert re.findall(r"^EnvironmentFile=(.+)$", unit, re.MULTILINE) == ["/etc/attn/stream"]


@pytest.mark.parametrize("path", ["deploy/attn-site.service", "Dockerfile", "bench/worker.py"])
def test_whatever_persists_keeps_one_heap(path: str) -> None:
    # With an arena for each lane a long run keeps half as much memory again, and the bench
    # measures what is deployed.
    assert re.search(r'MALLOC_ARENA_MAX="?1\b', (ROOT / path).read_text())


@pytest.mark.parametrize("path", ["deploy/attn-site.service", "deploy/attn-stream.service"])
def test_a_unit_starts_what_exists(path: str) -> None:
    start = re.search(r"ExecStart=(.+)", (ROOT / path).read_text())
    assert start
    module, _, name = start[1].partition("application")[0].rpartition(" ")[2].partition(":")
    assert (ROOT / f"{module.replace('.', '/')}.py").exists()
    assert name == ""


def test_evidence_has_a_folder_that_is_kept() -> None:
    folder = SERVICES["site"]["environment"]["ATTN_EVIDENCE_FOLDER"]
    assert SERVICES["site"]["volumes"] == [f"evidence:{folder}"]
    # Whose checks stop a start where the folder cannot be written.
    assert SERVICES["migrate"]["volumes"] == SERVICES["site"]["volumes"]
    assert f"-m 0700 {folder}" in (ROOT / "Dockerfile").read_text()
    for name in ("attn-site", "attn-evidence"):
        unit = (ROOT / "deploy" / f"{name}.service").read_text()
        kept = re.findall(r"^Environment=ATTN_EVIDENCE_FOLDER=(.+)$", unit, re.MULTILINE)
        assert kept == re.findall(r"^ReadWritePaths=(.+)$", unit, re.MULTILINE)
        assert kept == ["/var/lib/attn/evidence"]
        assert "StateDirectory=attn attn/evidence\n" in unit
        # What the environment's file says comes later, and wins.
        assert unit.index("Environment=") < unit.index("EnvironmentFile=")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not there")
def test_systemd_understands_the_units() -> None:
    units = [str(path) for path in sorted((ROOT / "deploy").glob("*.service"))]
    command = ["systemd-analyze", "verify", *units]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    # Of a machine where ATTN is not installed, it says that alone.
    assert [each for each in told.splitlines() if "is not executable" not in each] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not there")
@pytest.mark.parametrize("name", ["attn-site", "attn-stream", "attn-evidence"])
def test_a_unit_may_do_little(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30"]
    unit = str(ROOT / "deploy" / f"{name}.service")
    told = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout.splitlines()[-1]


def test_the_stores_have_passwords_and_a_network_of_their_own() -> None:
    for name in ("postgres", "live", "cache"):
        assert SERVICES[name]["networks"] == ["stores"]
        assert "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    assert SERVICES["proxy"]["networks"] == ["front"]
    assert set(SERVICES["site"]["networks"]) == {"stores", "front"}
    assert words_of("cache")[-2:] == ["--requirepass", "${CACHE_PASSWORD}"]


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in allowed


def test_the_image_has_pyarrow_where_that_is_asked_for() -> None:
    image = (ROOT / "Dockerfile").read_text()
    copied, default = image.split("/build/\n")[0].split()[-2:], "ARG LOCK=requirements.txt\n"
    assert default in image
    assert copied == ["requirements.txt", "requirements/parquet.txt"]
    assert "--build-arg LOCK=parquet.txt" in (ROOT / "docs/how-to/data.md").read_text()
