"""Whoever may add an endpoint reaches nothing behind the site: no server, no machine, no cloud."""

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support import subscriber as subscribers
from tests.support.subscriber import subscriber
from webhooks import addresses, posting
from webhooks.endpoints import check_address
from webhooks.errors import AddressMalformed, AddressNotAllowed, EndpointUnreachable

PRIVATE = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.1.1", "240.0.0.1"),
    *("255.255.255.255", "192.88.99.1", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fec0::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[ff0e::1]"),
    *("[64:ff9b:1::a00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]", "[2001:db8::1]"),
    "localhost",
)
AMBIGUOUS = (
    *("https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/"),
    *("https://0177.0.0.1/", "https://127.0.0.01/", "https://10.0.0.1./", "https://example.org./"),
    *("https://user:secret@example.org/", "https://example.org@10.0.0.1/", "https://a#@b/"),
    *("https://10.0.0.1\\@example.org/", "https://example.org/ x", "https://example.org/\r\nX: y"),
    *(
        "https://exämple.org/",
        "https://１２７.0.0.1/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
    ),
    *("ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "example.org", ""),
    *(
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:/",
        "https:///x",
    ),
    *("https://a..b/", "https://-a.example/", "https://a b.example/", "https://1.2.3.4.5/"),
)


@pytest.fixture(autouse=True)
def no_networks(settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = []


def test_addresses_that_are_not_public_are_refused_in_the_form_and_at_each_call() -> None:
    for host in PRIVATE:
        for scheme in ("https", "http"):
            url = f"{scheme}://{host}:6379/"
            with pytest.raises(AddressNotAllowed):
                check_address(url)
            with pytest.raises(AddressNotAllowed):
                posting.post(url, b"{}", headers={})


def test_addresses_that_two_programs_read_differently_are_refused() -> None:
    for url in AMBIGUOUS:
        with pytest.raises(AddressMalformed):
            check_address(url)


def test_public_ones_need_tls_and_listed_ones_need_none(settings: Any) -> None:
    check_address("https://93.184.216.34/hook")
    check_address("https://[2606:2800:220:1::1]:8443/hook")
    with pytest.raises(AddressNotAllowed, match="https"):
        check_address("http://93.184.216.34/hook")
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]
    check_address("http://10.1.2.3/hook")
    check_address("http://[::ffff:10.1.2.3]/hook")
    with pytest.raises(AddressNotAllowed):
        check_address("http://10.2.0.1/hook")


def _means(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name means the next one of these at each look, and the last one from then on."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        now = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in now]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_name_that_means_something_else_a_moment_later_is_asked_once_a_call(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with subscriber() as there, subscriber() as inside:
        asked = _means(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        url = f"http://hook.example:{there.port}/"
        assert posting.post(url, b"{}", headers={}).status == 200
        assert asked == ["hook.example"]
        assert there.messages[0].headers["host"] == f"hook.example:{there.port}"
        with pytest.raises(AddressNotAllowed):
            posting.post(url, b"{}", headers={})
        assert len(there.messages) == 1
        assert inside.messages == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _means(monkeypatch, ["93.184.216.34", "169.254.169.254"])
    with pytest.raises(AddressNotAllowed):
        posting.post("https://hook.example/", b"{}", headers={})


def test_a_redirect_into_the_house_is_not_followed(settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with subscriber() as inside:
        leads = subscribers.says(307, f"Location: {inside.url}")
        with subscriber(leads) as there:
            assert posting.post(there.url, b"{}", headers={}).status == 307
        assert inside.messages == []


def test_a_proxy_of_the_environment_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with subscriber() as there, subscriber() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        posting.post(there.url, b"{}", headers={})
        assert (len(there.messages), proxy.messages) == (1, [])


def test_a_resolver_that_never_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with subscriber() as waits:

        def never(*_: Any, **__: Any) -> list[Any]:
            waits.closing.wait(30)
            return []

        monkeypatch.setattr(socket, "getaddrinfo", never)
        target = addresses.parse("https://hook.example/")
        with pytest.raises(EndpointUnreachable):
            addresses.find_addresses(target, seconds=0.1)


def _certificate(folder: Path, name: str) -> Path:
    """A key and a certificate of this name, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path = folder / f"{name}.pem"
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(pem))
    return path


def test_tls_is_checked_for_the_name_and_not_for_the_address(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    _means(monkeypatch, ["127.0.0.1"])
    mine, other = (_certificate(tmp_path, f"{name}.example") for name in ("hook", "other"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(mine)

    def speak(raw: socket.socket) -> socket.socket:
        return context.wrap_socket(raw, server_side=True)

    with subscriber(wrap=speak) as there:
        url = f"https://hook.example:{there.port}/"
        for trusted in ("", str(other)):
            monkeypatch.setenv("SSL_CERT_FILE", trusted or str(tmp_path / "none.pem"))
            with pytest.raises(EndpointUnreachable, match="certificate"):
                posting.post(url, b"{}", headers={})
        monkeypatch.setenv("SSL_CERT_FILE", str(mine))
        with pytest.raises(EndpointUnreachable, match="certificate"):
            posting.post(f"https://else.example:{there.port}/", b"{}", headers={})
        assert posting.post(url, b"{}", headers={}).status == 200
        assert len(there.messages) == 1
    ended = threading.Event()

    def says_nothing(raw: socket.socket) -> socket.socket:
        ended.wait(10)
        raise OSError

    with subscriber(wrap=says_nothing) as silent:
        monkeypatch.setattr(posting, "SECONDS", 0.5)
        with pytest.raises(EndpointUnreachable, match="too long"):
            posting.post(f"https://hook.example:{silent.port}/", b"{}", headers={})
        ended.set()
