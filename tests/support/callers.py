"""Callers of the API: people with an account and a token."""

from typing import Any

from django.test import Client

from users.identity import Person
from users.models import User
from users.tokens import issue_token

PASSWORD = "correct horse battery"


def account(person: Person, *, password: str | None = None) -> User:
    """The user of a person, made where there is none."""
    known = User.objects.filter(school_number=person.school_number).first()
    if known is None:
        return User.objects.create_user(
            person.school_number, person.full_name, password, role=person.role.value
        )
    if password:
        known.set_password(password)
        known.save()
    return known


def signed_in(person: Person) -> Client:
    """The browser of somebody who has signed in."""
    client = Client()
    client.force_login(account(person), "users.backends.AccountBackend")
    return client


def text_of(answer: Any) -> str:
    """A page as one line."""
    return " ".join(answer.content.decode().split())


class Api:
    """A caller's way into the API; JSON in, JSON out."""

    def __init__(self, person: Person | None = None, **headers: str) -> None:
        if person is not None:
            token = issue_token(account(person).pk).token
            headers = {"Authorization": f"Token {token}", **headers}
        self.client = Client(headers=headers, raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        return getattr(self.client, method.lower())(f"/api/v1/{path}", **options)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("DELETE", path, body, **headers)
