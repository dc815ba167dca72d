"""Django's admin, loaded by what asks for it and not by every process."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class AdminConfig(SimpleAdminConfig):
    """The pages of the admin, which bring nearly every service with them.

    The addresses of the site load them, and so do the checks: most commands need neither.
    """

    def ready(self) -> None:
        # Not that of Django: it would check the pages that happen to be loaded.
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_pages, checks.Tags.admin)


def _check_pages(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs, **kwargs)
