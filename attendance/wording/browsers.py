"""Browsers, as their owners read of them."""

from django.utils.translation import gettext as _

from users.user_agents import Browser


def browser_in_words(browser: Browser) -> str:
    """Name and system, or what is known of them."""
    if browser.name and browser.system:
        return _("%(name)s on %(system)s") % browser._asdict()
    return browser.name or browser.system or _("Unknown browser")
