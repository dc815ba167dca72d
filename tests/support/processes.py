"""Commands as processes of their own, on the database of the test."""

import os
import subprocess
import sys
from collections.abc import Mapping

from django.conf import settings

from demo.processes import database_url

DEAD_DATABASE = "postgresql://attn@%2Fnowhere/attn"
DEAD_REDIS = "unix:///nowhere/redis.sock?db=0"


def environment(**changes: str) -> dict[str, str]:
    # Tests in a browser need that variable for themselves; no process of the site may have it.
    own = {"DATABASE_URL": database_url(), "DJANGO_ALLOW_ASYNC_UNSAFE": ""}
    return {**os.environ, **own, **changes}


def manage(
    *arguments: str, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run manage.py to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        # A machine that does other things beside it is no failure.
        timeout=240,
        check=False,
    )


def python(
    code: str, *arguments: str, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start Python with Django set up."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, django\ndjango.setup()\n{code}", *arguments],
        cwd=settings.BASE_DIR,
        env=environment(**(env or {})),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
