"""What the security log has, for tests of it."""

from typing import Any

from django.test import Client

from users.models import SecurityEvent, SecurityKind, User


def enter(client: Client, number: str, password: str) -> Any:
    return client.post("/accounts/login/", {"login": number, "password": password})


def kinds(subject: User | None = None) -> list[str]:
    """In the order in which they were written."""
    rows = SecurityEvent.objects.order_by("id")
    return list((rows.filter(subject=subject) if subject else rows).values_list("kind", flat=True))


def only(kind: SecurityKind) -> SecurityEvent:
    return SecurityEvent.objects.get(kind=kind)
