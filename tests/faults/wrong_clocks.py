"""The site, in a process whose clocks go wrong: see clocks.py."""

import django

django.setup()

from tests.faults import clocks  # noqa: E402

clocks.install()

from attn_project.wsgi import application  # noqa: E402

__all__ = ["application"]
