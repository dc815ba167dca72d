"""The site as `./attn serve` runs it, with the rivals' views beside its own."""

from collections.abc import Sequence
from functools import partial
from http.client import HTTPConnection

from knox.models import AuthToken

from tests.support import site
from users.models import User

served = partial(site.served, app="bench.wsgi:application")


def tokens_for(count: int) -> list[str]:
    """Accounts of as many students, and a token of each."""
    users = [User(school_number=f"B-{n:04}", full_name=f"Student {n:04}") for n in range(count)]
    return [AuthToken.objects.create(user=user)[1] for user in User.objects.bulk_create(users)]


class KeptConnection:
    """One connection to the site that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, token: str) -> int:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        return self._send("POST", path, headers, "{}")

    def get(self, path: str, token: str, etag: str = "") -> int:
        known = {"If-None-Match": etag} if etag else {}
        return self._send("GET", path, {"Authorization": f"Token {token}", **known})

    def etag_of(self, path: str, token: str) -> str:
        self._connection.request("GET", path, headers={"Authorization": f"Token {token}"})
        answer = self._connection.getresponse()
        answer.read()
        return answer.headers["ETag"]

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, headers: dict[str, str], body: str = "") -> int:
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    found = sorted(values)
    return found[min(int(len(found) * part), len(found) - 1)]
