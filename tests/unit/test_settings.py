"""Settings refuse to start with what would not be safe, and say what to do."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

GOOD = {
    "ATTN_SECRET_KEY": "0f9c1e7a5b3d8264f0a9c8e7d6b5a4938271605f4e3d2c1b0a99887766554433",
    "DATABASE_URL": "postgresql://attn@%2Frun%2Fpg/attn",
    "REDIS_URL": "redis://localhost:6379/0",
    "CACHE_URL": "redis://localhost:6380/0",
    "DJANGO_SETTINGS_MODULE": "attn_project.settings",
}
SHOW = "from django.conf import settings; print(({}))"


def start(changes: dict[str, str], show: str = "1") -> "subprocess.CompletedProcess[str]":
    env = {**GOOD, "PATH": os.defpath, **changes}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(f"settings.DEBUG, {show}")],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in env.items() if value != "unset"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_settings_start_without_debug() -> None:
    assert start({}).stdout.strip() == "(False, 1)"


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("ATTN_SECRET_KEY", "unset", "openssl rand"),
        ("ATTN_SECRET_KEY", "", "openssl rand"),
        ("ATTN_SECRET_KEY", "short", "openssl rand"),
        ("ATTN_SECRET_KEY", "a" * 80, "openssl rand"),
        ("ATTN_SECRET_KEY", "django-insecure-" + GOOD["ATTN_SECRET_KEY"], "openssl rand"),
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
    ],
)
def test_a_setting_that_is_missing_or_weak_is_refused(name: str, value: str, advice: str) -> None:
    done = start({name: value})

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last
    assert advice in last
    assert GOOD["ATTN_SECRET_KEY"] not in last


def test_a_socket_folder_may_be_the_host_of_the_database() -> None:
    assert "/run/pg" in start({}, "settings.DATABASES['default']['HOST']").stdout


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
    show = "settings.LIVE_STORE_NODES, 'live' in settings.CACHES"
    assert start({"REDIS_URL": url}, show).stdout.strip() == f"(False, {nodes}, {not nodes})"


def test_the_demo_door_is_closed_unless_its_password_is_set() -> None:
    show = "'users.backends.DemoBackend' in settings.AUTHENTICATION_BACKENDS"
    assert start({}, show).stdout.strip() == "(False, False)"
    assert start({"ATTN_DEMO_PASSWORD": "x"}, show).stdout.strip() == "(False, True)"


def test_cookies_and_redirects_are_safe_by_default() -> None:
    show = (
        "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE,"
        " settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS > 0"
    )
    assert start({}, show).stdout.strip() == "(False, True, True, True, True)"
