"""Where a webhook may go: an address that can be read in one way only, and that is public.

Whoever may add an endpoint must not reach what stands behind the site: its servers, the machine's
own services, the metadata of a cloud. So the name is resolved at each attempt, every address that
it has is checked, and the connection goes to a checked one (`posting`): a name that means
something else a moment later changes nothing.
"""

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from users.errors import gettext_noop as _
from webhooks.errors import AddressMalformed, AddressNotAllowed, EndpointUnreachable

LONGEST_URL = 500
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = {"http": 80, "https": 443}
_visible = re.compile(r"[!-~]+", re.ASCII)
_label = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)
_number = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label that resolvers take for a number: 127.1, 0x7f.1, 2130706433, 0177.0.0.1."""

_NEVER_GLOBAL = [
    ipaddress.ip_network(cidr)
    for cidr in (
        # Addresses of IPv4 inside of others: translators would lead anywhere.
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "::/96", "192.88.99.0/24"),
        # Releases of Python differ in what they call global.
        *(
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "198.18.0.0/15",
            "240.0.0.0/4",
            "fec0::/10",
            "fc00::/7",
            "fe80::/10",
        ),
    )
]


class Target(NamedTuple):
    """An address of an endpoint in its parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As it stands in the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """Raises AddressMalformed for whatever two programs could read differently."""
    if not _visible.fullmatch(url) or "\\" in url or len(url) > LONGEST_URL:
        raise AddressMalformed(
            _("Use an address as in https://example.org/hook, without spaces and only in ASCII.")
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise AddressMalformed(
            _("This is no address. Use one as in https://example.org/hook.")
        ) from None
    if parts.scheme not in PORTS or not host:
        raise AddressMalformed(_("The address begins with https:// and a name."))
    if "@" in parts.netloc or parts.fragment:
        raise AddressMalformed(
            _("Leave out user, password and #: whoever sends here is known by the signature.")
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise AddressMalformed(_("The port is a number from 1 to 65535."))
    _check_host(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def _check_host(host: str) -> None:
    if _literal(host) is not None:
        return
    if host.endswith("."):
        raise AddressMalformed(_("Leave out the dot at the end of the name."))
    labels = host.split(".")
    if _number.fullmatch(labels[-1]):
        raise AddressMalformed(_("Write an IPv4 address as four numbers, as in 192.0.2.10."))
    if not all(_label.fullmatch(label) for label in labels):
        raise AddressMalformed(
            _("%(host)s is no name of a host. Write other letters than a to z as xn--…."), host=host
        )


def _literal(host: str) -> Address | None:
    """The address where the host is one; never one with a zone."""
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def find_addresses(target: Target, *, seconds: float) -> list[Address]:
    """What the name of a target means now, each checked.

    Raises AddressNotAllowed where one of them is, and EndpointUnreachable where there is none.
    """
    literal = _literal(target.host)
    found = [literal] if literal is not None else _resolve(target, seconds)
    for address in found:
        _check(address, scheme=target.scheme)
    return found


def _check(address: Address, *, scheme: str) -> None:
    if _is_listed(address, settings.WEBHOOK_NETWORKS):
        return
    if not is_global(address):
        raise AddressNotAllowed(
            _(
                "The address leads into a private network, or to the machine itself. Where that is "
                "meant, whoever runs the site adds the network to ATTN_WEBHOOK_NETWORKS."
            )
        )
    if scheme != "https":
        raise AddressNotAllowed(
            _("Use https://: only networks of ATTN_WEBHOOK_NETWORKS are sent to without TLS.")
        )


def is_global(address: Address) -> bool:
    """Whether it is one of the public Internet, for one receiver."""
    plain = _plain(address)
    return (
        plain.is_global
        and not plain.is_multicast
        and not plain.is_reserved
        and not _is_listed(plain, _NEVER_GLOBAL)
    )


def _is_listed(address: Address, networks: Sequence[Network]) -> bool:
    plain = _plain(address)
    return any(plain in network for network in networks)


def _plain(address: Address) -> Address:
    """::ffff:10.0.0.1 is 10.0.0.1 to whoever connects."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _resolve(target: Target, seconds: float) -> list[Address]:
    # A resolver has no time limit of its own.
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    threading.Thread(target=_look_up, args=(target, found), daemon=True).start()
    try:
        texts = found.get(timeout=max(seconds, 0))
    except queue.Empty:
        texts = []
    addresses = [address for text in texts if (address := _literal(text)) is not None]
    if not addresses or len(addresses) < len(texts):
        raise EndpointUnreachable(_("the name is not known"))
    return addresses


def _look_up(target: Target, found: "queue.SimpleQueue[list[str]]") -> None:
    try:
        rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found.put([])
    else:
        found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
