"""What the provider says of a person: their number, but for one whom it knows without."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.support.oidc_server.people import WITHOUT_NUMBER


class Claims(OAuth2Validator):  # type: ignore[misc]
    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, str]:
        name = request.user.get_username()
        return {} if name == WITHOUT_NUMBER else {"preferred_username": name}
