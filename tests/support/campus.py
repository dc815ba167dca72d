"""The site as one that knows a campus's identity provider."""

from typing import Any

import environ
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider

from attn_project.oidc import NEEDED, Campus, read_campus
from tests.support.oidc_server.people import CLIENT_ID, CLIENT_SECRET


def campus_at(issuer: str, **more: str) -> Campus:
    """The campus whose provider is at this address; `more` are other settings of it."""
    values = dict(
        zip(NEEDED, (issuer, CLIENT_ID, CLIENT_SECRET, "preferred_username"), strict=True)
    )
    env = environ.Env()
    env.ENVIRON = {**values, **more}
    return read_campus(env, is_https=False)


def use_campus(settings: Any, campus: Campus) -> None:
    """Let people sign in by it until the end of the test."""
    settings.CAMPUS = campus
    settings.SOCIALACCOUNT_PROVIDERS = campus.providers
    # As its app does, which a site has that starts with a campus.
    registry.register(OpenIDConnectProvider)
