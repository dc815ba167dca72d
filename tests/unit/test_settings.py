"""Settings refuse to start with what would not be safe, and say what to do."""

import base64
import os
import runpy
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from launcher.commands import stream_environment
from users.derived_keys import Purpose, derive

GOOD = {
    "ATTN_SECRET_KEY": "0f9c1e7a5b3d8264f0a9c8e7d6b5a4938271605f4e3d2c1b0a99887766554433",
    "DATABASE_URL": "postgresql://attn@%2Frun%2Fpg/attn",
    "REDIS_URL": "redis://localhost:6379/0",
    "CACHE_URL": "redis://localhost:6380/0",
    "DJANGO_SETTINGS_MODULE": "attn_project.settings",
}


def read(module: str = "settings", **changes: str) -> dict[str, Any]:
    """The settings as they are read with nothing else in the environment."""
    env = {name: value for name, value in (GOOD | changes).items() if value != "unset"}
    with mock.patch.dict(os.environ, env, clear=True):
        return runpy.run_path(str(settings.BASE_DIR / "attn_project" / f"{module}.py"))


def test_good_settings_start_without_debug() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; print(settings.DEBUG)"],
        cwd=settings.BASE_DIR,
        env={**GOOD, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("ATTN_SECRET_KEY", "unset", "openssl rand"),
        ("ATTN_SECRET_KEY", "", "openssl rand"),
        ("ATTN_SECRET_KEY", "short", "openssl rand"),
        ("ATTN_SECRET_KEY", "a" * 80, "openssl rand"),
        ("ATTN_SECRET_KEY", "django-insecure-" + GOOD["ATTN_SECRET_KEY"], "openssl rand"),
        ("ATTN_SECRET_KEY_FALLBACKS", f"{GOOD['ATTN_SECRET_KEY']},short", "openssl rand"),
        ("DATABASE_URL", "unset", "DATABASE_URL=postgresql://"),
        ("DATABASE_URL", "sqlite:///x", "postgresql://"),
        ("REDIS_URL", "unset", "REDIS_URL=redis://"),
        ("CACHE_URL", "unset", "CACHE_URL=redis://"),
        ("CACHE_URL", "redis+cluster://localhost:6380/", "CACHE_URL=redis://"),
        ("REDIS_URL", "redis+cluster://", "redis+cluster://host:port"),
        ("REDIS_URL", "redis+cluster://a:1,,b:2/", "redis+cluster://host:port"),
        ("REDIS_URL", "redis+cluster://a:1/3", "redis+cluster://host:port"),
        ("REDIS_URL", "unix+cluster:///socket", "redis+cluster://host:port"),
        ("ATTN_SCHEDULER", "maybe", "auto, off"),
        ("ATTN_WARNING_READERS", "teachers,student", "teachers, students"),
        ("ATTN_DIGEST_AT", "7", "00:00 to 20:00"),
        ("ATTN_DIGEST_AT", "20:01", "00:00 to 20:00"),
        ("ATTN_EVIDENCE_FOLDER", "evidence", "absolute path"),
        ("ATTN_EMAIL_URL", "mail.example.org", "smtp+tls://"),
        ("ATTN_EMAIL_URL", "https://mail.example.org", "smtp+tls://"),
        ("ATTN_EMAIL_URL", "smtp+tls://", "smtp+tls://"),
        ("ATTN_EMAIL_URL", "smtp://mail.example.org:port", "smtp+tls://"),
    ],
)
def test_a_setting_that_is_missing_or_weak_is_refused(name: str, value: str, advice: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**{name: value})

    said = str(refused.value)
    assert name in said
    assert advice in said
    assert "\n" not in said
    assert GOOD["ATTN_SECRET_KEY"] not in said


def test_former_keys_are_listed() -> None:
    former = GOOD["ATTN_SECRET_KEY"][::-1]
    assert read()["SECRET_KEY_FALLBACKS"] == []
    assert read(ATTN_SECRET_KEY_FALLBACKS=former)["SECRET_KEY_FALLBACKS"] == [former]


ONLY_THE_STREAM = {"ATTN_SECRET_KEY": "unset", "DATABASE_URL": "unset", "CACHE_URL": "unset"}


def test_the_stream_needs_a_key_of_its_own_and_redis() -> None:
    key = derive(GOOD["ATTN_SECRET_KEY"], Purpose.STREAM)
    found = read("stream_settings", ATTN_STREAM_KEY=key, **ONLY_THE_STREAM)
    assert found["STREAM_KEYS"] == [key]
    assert not {"SECRET_KEY", "DATABASES"} & set(found)
    assert read("stream_settings")["STREAM_KEYS"] == [key]


@pytest.mark.parametrize("key", ["unset", "", "short", "a" * 64])
def test_a_stream_without_a_good_key_does_not_start(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ATTN_STREAM_KEY"):
        read("stream_settings", ATTN_STREAM_KEY=key, **ONLY_THE_STREAM)


def test_the_launcher_derives_the_key_of_the_stream_and_keeps_the_rest_from_it() -> None:
    secret, former = GOOD["ATTN_SECRET_KEY"], GOOD["ATTN_SECRET_KEY"][::-1]
    given = {**GOOD, "ATTN_SECRET_KEY_FALLBACKS": former, "ATTN_VERIFIER_SECRET": "whsec_x"}
    env = stream_environment(given)
    derived = [derive(each, Purpose.STREAM) for each in (secret, former)]
    assert env["ATTN_STREAM_KEY"].split(",") == derived
    assert not {secret, former, "whsec_x", GOOD["DATABASE_URL"]} & set(env.values())


def test_a_socket_folder_may_be_the_host_of_the_database() -> None:
    assert read()["DATABASES"]["default"]["HOST"] == "/run/pg"


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis://a:1/0", ()),
        ("redis+cluster://a:1", ("redis://a:1/0?",)),
        ("redis+cluster://a:1,b:2/0", ("redis://a:1/0?", "redis://b:2/0?")),
        (
            "rediss+cluster://me:p%40ss@a:1,b:2/?ssl_ca_certs=/ca.pem",
            (
                "rediss://me:p%40ss@a:1/0?ssl_ca_certs=/ca.pem",
                "rediss://me:p%40ss@b:2/0?ssl_ca_certs=/ca.pem",
            ),
        ),
    ],
)
def test_a_cluster_is_named_by_its_servers(url: str, nodes: tuple[str, ...]) -> None:
    found = read(REDIS_URL=url)
    assert (found["LIVE_STORE_NODES"], "live" in found["CACHES"]) == (nodes, not nodes)


@pytest.mark.parametrize(
    "folder", ["/srv/static", "/srv/static/evidence", "/srv", "/srv/static/../"]
)
def test_evidence_is_not_kept_among_what_is_served(folder: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"outside of ATTN_STATIC_ROOT"):
        read(ATTN_STATIC_ROOT="/srv/static", ATTN_EVIDENCE_FOLDER=folder)
    beside = read(ATTN_STATIC_ROOT="/srv/static", ATTN_EVIDENCE_FOLDER="/srv/evidence")
    assert beside["EVIDENCE_FOLDER"] == "/srv/evidence"


@pytest.mark.parametrize(
    ("url", "is_https", "is_taken"),
    [
        ("https://verifier.example/hook", "true", True),
        ("http://verifier.example/hook", "true", False),
        ("HTTP://verifier.example/hook", "true", False),
        ("http://127.0.0.1:8000/", "true", False),
        ("http://127.0.0.1:8000/", "false", True),
        ("file:///etc/passwd", "false", False),
        ("ftp://verifier.example/", "false", False),
        ("verifier.example", "false", False),
        ("https:///hook", "false", False),
    ],
)
def test_names_travel_to_the_verifier_behind_tls(url: str, is_https: str, is_taken: bool) -> None:
    secret = base64.b64encode(b"0" * 32).decode()
    changes = {"ATTN_VERIFIER_URL": url, "ATTN_VERIFIER_SECRET": secret, "ATTN_HTTPS": is_https}
    if is_taken:
        assert read(**changes)["VERIFIER_URL"] == url
    else:
        with pytest.raises(ImproperlyConfigured, match="ATTN_VERIFIER_URL"):
            read(**changes)


@pytest.mark.parametrize(
    ("url", "server", "is_tls", "is_ssl", "is_clear"),
    [
        ("smtp://localhost", ("localhost", 25), False, False, False),
        ("smtp://mail.example.org:2525", ("mail.example.org", 2525), False, False, True),
        ("smtp+tls://me:p%40ss@mail.example.org", ("mail.example.org", 587), True, False, False),
        ("smtps://mail.example.org", ("mail.example.org", 465), False, True, False),
        ("smtp+ssl://mail.example.org:466", ("mail.example.org", 466), False, True, False),
        ("consolemail://", ("", 0), False, False, False),
    ],
)
def test_mail_is_one_address(
    url: str, server: tuple[str, int], is_tls: bool, is_ssl: bool, is_clear: bool
) -> None:
    whole = {"ATTN_EMAIL_FROM": "attn@school.example", "ATTN_PUBLIC_URL": "https://attn.example"}
    found = read(ATTN_EMAIL_URL=url, **whole)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == server
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (is_tls, is_ssl)
    assert found["MAIL"].goes_in_the_clear == is_clear
    assert found["EMAIL_IS_SET_UP"]
    if "@" in url:
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "p@ss")
    for name in whole:
        assert not read(ATTN_EMAIL_URL=url, **whole | {name: "unset"})["EMAIL_IS_SET_UP"]
    assert not read(**whole)["EMAIL_IS_SET_UP"]


def test_the_demo_door_is_closed_unless_its_password_is_set() -> None:
    door = "users.backends.DemoBackend"
    assert door not in read()["AUTHENTICATION_BACKENDS"]
    assert door in read(ATTN_DEMO_PASSWORD="x")["AUTHENTICATION_BACKENDS"]


def test_cookies_and_redirects_are_safe_by_default() -> None:
    found = read()
    assert not found["DEBUG"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_SSL_REDIRECT"]
    assert found["SECURE_HSTS_SECONDS"] > 0
