"""The site, with what patches.py changes."""

import django

from tests.faults import patches

django.setup()
patches.install()

from attn_project.wsgi import application  # noqa: E402

__all__ = ["application"]
