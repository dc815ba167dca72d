"""What can be wrong with an endpoint, or with sending to it."""

from users.errors import AttnError
from users.errors import gettext_noop as _


class WebhookError(AttnError):
    """Base of every error of webhooks."""

    code = "webhook_error"
    default_message = _("Something is wrong with this webhook.")


class AddressMalformed(WebhookError):
    """The address could be read in two ways, or is none."""

    code = "webhook_address_malformed"


class AddressNotAllowed(WebhookError):
    """The address leads to where the site does not send."""

    code = "webhook_address_not_allowed"


class EndpointUnreachable(WebhookError):
    """No answer came that counts as one."""

    code = "webhook_endpoint_unreachable"


class SecretUnreadable(WebhookError):
    code = "webhook_secret_unreadable"
    default_message = _(
        "The secret of this endpoint cannot be read: the key of the site has changed. "
        "Give it a new secret."
    )
