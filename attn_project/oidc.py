"""Signing in with a campus identity provider: read from the environment, off where it is empty."""

from types import MappingProxyType
from typing import Any, NamedTuple

import environ
from django.core.exceptions import ImproperlyConfigured

PROVIDER = "campus"
"""Its part of ATTN's addresses: the provider sends people to …/oidc/campus/login/callback/."""

OPENID_CONNECT = "allauth.socialaccount.providers.openid_connect"
"""The app of allauth that signs people in with such a provider: no models, no pages."""

NEEDED = (
    *("ATTN_OIDC_ISSUER", "ATTN_OIDC_CLIENT_ID", "ATTN_OIDC_CLIENT_SECRET"),
    # No default: in many providers people may change their preferred_username themselves.
    "ATTN_OIDC_NUMBER_CLAIM",
)


class Campus(NamedTuple):
    """The provider, as the pages and allauth need it; `name` is empty where there is none."""

    name: str = ""
    issuer: str = ""
    number_claim: str = ""
    origin: str = ""
    providers: dict[str, Any] = MappingProxyType({})  # type: ignore[assignment]
    makes_people: bool = False
    """Whether somebody whom ATTN does not know gets an account when they sign in."""
    role_claim: str = ""
    teacher_values: frozenset[str] = frozenset()
    """What that claim says of teachers. Nobody is made staff."""
    factor_values: frozenset[str] = frozenset()
    """What `acr` or `amr` says where the provider has asked for a second factor."""


def read_campus(env: environ.Env, *, is_https: bool) -> Campus:
    """Read the provider. Raises ImproperlyConfigured where only a part of it is set."""
    values = [str(env.str(name, default="")) for name in NEEDED]
    issuer, client_id, secret, claim = values
    if not any(values):
        return Campus()
    missing = [name for name, value in zip(NEEDED, values, strict=True) if not value]
    if missing:
        raise ImproperlyConfigured(
            f"{', '.join(missing)} is not set. Signing in with OpenID Connect needs all of "
            f"{', '.join(NEEDED)}; set none of them to leave it out."
        )
    if is_https and not issuer.startswith("https://"):
        raise ImproperlyConfigured(
            "ATTN_OIDC_ISSUER must begin with https://: otherwise anybody on the way could say "
            "who signs in."
        )
    name = env.str("ATTN_OIDC_NAME", default="Campus account")
    scope = env.list("ATTN_OIDC_SCOPE", default=["openid", "profile"])
    app = {
        "provider_id": PROVIDER,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer.rstrip("/"), "scope": scope},
    }
    origin = env.str("ATTN_OIDC_AUTHORIZATION_ORIGIN", default="/".join(issuer.split("/")[:3]))
    providers = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
    return Campus(
        name=name,
        issuer=issuer,
        number_claim=claim,
        origin=origin,
        providers=providers,
        makes_people=env.bool("ATTN_OIDC_MAKE_PEOPLE", default=False),
        role_claim=env.str("ATTN_OIDC_ROLE_CLAIM", default=""),
        teacher_values=frozenset(env.list("ATTN_OIDC_TEACHER_VALUES", default=[])),
        factor_values=frozenset(env.list("ATTN_OIDC_FACTOR_VALUES", default=[])),
    )
