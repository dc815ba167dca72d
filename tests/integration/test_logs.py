"""What is written into the log, and what is not."""

import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.test import Client

from attn_project.logs import Lines, OfRequest
from tests.support.factories import UserFactory
from users.models import User

NAME = "Grace Hopper"
"""Not in a line of code that a traceback shows."""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the handler of the site writes."""
    written = io.StringIO()
    config: dict[str, Any] = django_settings.LOGGING
    handler = logging.StreamHandler(written)
    formatter = config["formatters"]["line"]
    handler.setFormatter(Lines(formatter["format"]))
    handler.addFilter(OfRequest())
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def test_the_lines_of_a_request_and_its_answer_have_one_id(lines: io.StringIO) -> None:
    answer = Client().get("/nowhere/")
    request_id = answer.headers["X-Request-ID"]
    assert f"[{request_id}] Not Found: /nowhere/" in lines.getvalue()
    assert Client().get("/nowhere/").headers["X-Request-ID"] != request_id


@pytest.mark.parametrize(
    ("given", "proxies", "is_taken"),
    [
        ("abcdef0123456789", 1, True),
        ("abcdef0123456789", 0, False),
        ("short", 1, False),
        ("a" * 65, 1, False),
        ("line\nbreak-0123", 1, False),
        ("\u202eabcdef0123", 1, False),
    ],
)
def test_the_id_of_a_proxy_is_taken_where_one_is_trusted(
    given: str, proxies: int, is_taken: bool, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = proxies
    answer = Client().get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) == is_taken


def test_a_host_that_is_not_ours_writes_one_line(lines: io.StringIO) -> None:
    assert Client().get("/accounts/login/", HTTP_HOST="10.1.2.3").status_code == 400
    assert "Traceback" not in lines.getvalue()
    assert "10.1.2.3" in lines.getvalue()


def test_a_row_that_postgresql_quotes_is_left_out(lines: io.StringIO) -> None:
    UserFactory.create(school_number="S-1", full_name="Ada Lovelace")
    log = logging.getLogger("attendance")
    try:
        with transaction.atomic():
            User.objects.create(school_number="S-1", full_name=NAME)
    except IntegrityError as error:
        log.exception("It could not be written")
        log.warning("It could not be written: %s", error)
    try:
        with transaction.atomic():
            User.objects.create(school_number="s-2", full_name=NAME)
    except IntegrityError as error:
        log.warning("It could not be written: %s", error)
    written = lines.getvalue()
    assert written.count("It could not be written") == 3
    assert "duplicate key" in written
    assert "[-]" in written
    assert NAME not in written
    assert "(S-1)" not in written


def test_a_line_outside_of_a_request_has_none(lines: io.StringIO) -> None:
    logging.getLogger("attendance").warning("A run")
    assert "WARNING attendance [-] A run" in lines.getvalue()
