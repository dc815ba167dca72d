"""Mail, read from one address in the environment; off where it is empty."""

from typing import Any, NamedTuple

import environ
from django.core.exceptions import ImproperlyConfigured

_BACKENDS = "django.core.mail.backends"
CONSOLE, FILES = f"{_BACKENDS}.console.EmailBackend", f"{_BACKENDS}.filebased.EmailBackend"
SMTP = f"{_BACKENDS}.smtp.EmailBackend"
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465, "smtp+ssl": 465}
OTHERS = {"consolemail": CONSOLE, "filemail": FILES}
ON_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class Mail(NamedTuple):
    """How mail is sent, as Django's settings need it."""

    backend: str = f"{_BACKENDS}.dummy.EmailBackend"
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    use_tls: bool = False
    """The connection begins in the clear and is encrypted then (STARTTLS)."""
    use_ssl: bool = False
    folder: str = ""
    sender: str = ""
    is_asked_for: bool = False

    @property
    def goes_in_the_clear(self) -> bool:
        """Whether links to choose a password leave this machine without TLS."""
        is_smtp = self.backend == SMTP and self.host not in ON_THIS_MACHINE
        return is_smtp and not (self.use_tls or self.use_ssl)


def read_mail(env: environ.Env) -> Mail:
    """Read ATTN_EMAIL_URL and ATTN_EMAIL_FROM. Raises ImproperlyConfigured for one that is none."""
    url = str(env.str("ATTN_EMAIL_URL", default=""))
    sender = str(env.str("ATTN_EMAIL_FROM", default=""))
    if not url:
        return Mail(sender=sender)
    scheme = url.partition(":")[0].lower()
    if scheme in OTHERS:
        folder = url.partition("://")[2]
        return Mail(OTHERS[scheme], folder=folder, sender=sender, is_asked_for=True)
    if scheme not in PORTS:
        raise _no_address()
    return _smtp(url, scheme)._replace(sender=sender)


def _smtp(url: str, scheme: str) -> Mail:
    try:
        found: dict[str, Any] = environ.Env.email_url_config(url)
    except ValueError:
        raise _no_address() from None
    if not found["EMAIL_HOST"]:
        raise _no_address()
    return Mail(
        SMTP,
        found["EMAIL_HOST"],
        found["EMAIL_PORT"] or PORTS[scheme],
        found["EMAIL_HOST_USER"] or "",
        found["EMAIL_HOST_PASSWORD"] or "",
        use_tls=scheme == "smtp+tls",
        use_ssl=scheme in {"smtps", "smtp+ssl"},
        is_asked_for=True,
    )


def _no_address() -> ImproperlyConfigured:
    # Never the address itself: it may hold a password.
    return ImproperlyConfigured(
        "ATTN_EMAIL_URL is no address for mail: use smtp+tls://user:password@mail.example.org:587,"
        " smtps://…:465, smtp://localhost:25, or consolemail:// on a machine of your own."
    )
