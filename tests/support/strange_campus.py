"""An identity provider that says whatever a test wants: as none that can be trusted would."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.oidc_server.people import CLIENT_ID

Claims = dict[str, Any]


class StrangeCampus:
    """What it says: `discovery`, `id_token` and `userinfo` are changed by a test."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.discovery: Claims = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
        }
        now = int(time.time())
        self.id_token: Any = {
            "iss": issuer,
            "aud": CLIENT_ID,
            "sub": "7",
            "iat": now,
            "exp": now + 600,
        }
        self.userinfo: Any = {"sub": "7", "preferred_username": "S-014", "name": "Student 014"}

    def callback(self, asked: str, **more: str) -> dict[str, str]:
        """What the browser brings back from the page that ATTN sent it to."""
        query = parse_qs(urlsplit(asked).query)
        if isinstance(self.id_token, dict):
            self.id_token.setdefault("nonce", query["nonce"][0])
        return {"code": "a-code", "state": query["state"][0], **more}

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return self.discovery
        if path == "/token":
            told: Claims = {"access_token": "a-token", "token_type": "Bearer"}
            return told | ({"id_token": _unsigned(self.id_token)} if self.id_token else {})
        return self.userinfo


def _unsigned(claims: Any) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return b".".join([*encoded, b"c2lnbmF0dXJl"]).decode()


@contextmanager
def strange_campus() -> Iterator[StrangeCampus]:
    campus: StrangeCampus

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._tell()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._tell()

        def _tell(self) -> None:
            body = json.dumps(campus.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        campus = StrangeCampus(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield campus
        server.shutdown()
