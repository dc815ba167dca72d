"""A test client's way into the site as it is served: past the shortcut of check-ins first."""

from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test.client import ClientHandler

from attn_project.shortcut import CheckInShortcut


class ServedHandler(ClientHandler):
    """As Django's, with the shortcut before it."""

    answered = 0
    """How many requests the shortcut has answered, in all handlers."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        from_django: list[Any] = []
        said: list[Any] = []

        def django(environ: dict[str, Any], start_response: Any) -> tuple[bytes, ...]:
            from_django.append(super(ServedHandler, self).__call__(environ))
            return ()

        body = b"".join(CheckInShortcut(django)(environ, lambda *told: said.extend(told)))
        if from_django:
            return from_django[0]
        ServedHandler.answered += 1
        status, headers = said
        response: Any = HttpResponse(body, status=int(status.split()[0]))
        response.headers = dict(headers)
        response.wsgi_request = WSGIRequest(environ)
        return response


@pytest.fixture(params=[ClientHandler, ServedHandler], ids=["django", "shortcut"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runs once by each way that a check-in can take."""
    monkeypatch.setattr("django.test.client.ClientHandler", request.param)
