"""Start the provider with a database of its own, beside the test's."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import connection

from demo.processes import database_url
from tests.support.oidc_server.people import WITHOUT_NUMBER
from tests.support.ports import free_port, listens

DATABASE = "attn_oidc"


@contextmanager
def identity_provider(redirect_uri: str, *usernames: str) -> Iterator[str]:
    """Its issuer, for as long as it runs; it knows these people."""
    port = free_port()
    with _database() as url:
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.support.oidc_server.settings",
            "DATABASE_URL": url,
            "OIDC_KEY": _new_key(),
            "DJANGO_ALLOW_ASYNC_UNSAFE": "",
        }
        prepare = [sys.executable, "-m", "tests.support.oidc_server.prepare", redirect_uri]
        options: dict[str, Any] = {"cwd": settings.BASE_DIR, "env": env}
        subprocess.run([*prepare, WITHOUT_NUMBER, *usernames], check=True, **options)
        command = [sys.executable, "-m", "granian", "tests.support.oidc_server.wsgi:application"]
        command += ["--interface", "wsgi", "--port", str(port), "--no-log"]
        child = subprocess.Popen(command, **options)
        try:
            while not listens(port):
                assert child.poll() is None, "the identity provider does not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/o"
        finally:
            child.terminate()
            child.wait(20)


@contextmanager
def _database() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    own = settings.DATABASES["default"]["NAME"]
    try:
        yield database_url().replace(f"/{own}", f"/{DATABASE}")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
