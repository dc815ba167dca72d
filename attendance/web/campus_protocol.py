"""OpenID Connect as ATTN speaks it: what allauth does, and what it leaves to the client.

Compared are the issuer of the discovery document, the `iss` of the answer (RFC 9207), the nonce,
and the subject of both accounts of a person.
"""

import secrets
from typing import Any, Final

from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

_NONCES: Final = "attn_campus_nonces"
_MOST_NONCES: Final = 5
"""Sign-ins that one browser may have begun and not ended, in as many tabs."""

Claims = dict[str, Any]


class CampusProtocol(views.OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The adapter of one sign-in. What does not fit is an OAuth2Error, which allauth answers."""

    @property
    def openid_config(self) -> Claims:
        config = super().openid_config
        _check(isinstance(config, dict), "the discovery document is none")
        issuer = str(config.get("issuer", ""))
        is_ours = issuer.rstrip("/") == settings.CAMPUS.issuer.rstrip("/")
        _check(is_ours, "the discovery document names another issuer: %s", issuer)
        return dict(config)

    def get_provider(self) -> Any:
        provider = super().get_provider()
        # The page to sign in at is that of the document which was compared.
        provider.oauth2_adapter_class = type(self)
        provider.get_auth_params_from_request = self._auth_params
        # Whatever the address of ATTN's page says, the scope is the site's.
        provider.get_scope_from_request = lambda request: provider.get_scope()
        # Nobody is found or filled in by these: the number alone counts.
        provider.extract_common_fields = lambda data: {}
        provider.extract_email_addresses = lambda data: []
        return provider

    def _auth_params(self, request: HttpRequest, action: str) -> dict[str, str]:
        nonce = secrets.token_urlsafe(24)
        begun = request.session.get(_NONCES, [])
        request.session[_NONCES] = [*begun, nonce][-_MOST_NONCES:]
        return {"nonce": nonce}

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        _check_issuer_of_answer(request, self.openid_config)
        _check(bool(kwargs["response"].get("id_token")), "there is no id token")
        login = super().complete_login(request, app, token, **kwargs)
        said: Claims = login.account.extra_data
        id_token = said["id_token"]
        _check(_takes_nonce(request, id_token.get("nonce")), "the nonce is another one")
        if "userinfo" in said:
            is_same = said["userinfo"].get("sub") == id_token.get("sub")
            _check(is_same, "the id token and the answer about the person name two subjects")
        return login

    def _fetch_user_info(self, access_token: str) -> Claims:
        found = super()._fetch_user_info(access_token)
        _check(isinstance(found, dict), "the answer about the person is none")
        return dict(found)


def _check_issuer_of_answer(request: HttpRequest, config: Claims) -> None:
    """An answer of another provider must not be taken to this one (RFC 9207)."""
    issuer = request.GET.get("iss")
    if issuer is None:
        is_promised = config.get("authorization_response_iss_parameter_supported") is True
        _check(not is_promised, "the answer does not name its issuer")
        return
    _check(issuer == config["issuer"], "the answer names another issuer: %s", issuer)


def _takes_nonce(request: HttpRequest, nonce: Any) -> bool:
    """Whether this browser has begun a sign-in with this nonce; it ends it."""
    begun = request.session.get(_NONCES, [])
    own = [each for each in begun if isinstance(nonce, str) and constant_time_compare(each, nonce)]
    request.session[_NONCES] = [each for each in begun if each not in own]
    return bool(own)


def _check(is_right: bool, text: str, *values: str) -> None:
    if not is_right:
        raise OAuth2Error(text % values if values else text)
