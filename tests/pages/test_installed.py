"""On a home screen: the manifest, the service worker and the page without a connection."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from attendance.web.pages import installed
from tests.pages.visitors import STAFF, STUDENT, signed_in, text_of

pytestmark = pytest.mark.django_db(transaction=True)

STYLES = Path(settings.BASE_DIR) / "attendance" / "static" / "attendance"


def found(address: str) -> Path:
    path = finders.find(address.removeprefix("/static/"))
    assert isinstance(path, str), address
    return Path(path)


def test_the_manifest_says_what_a_device_needs() -> None:
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    told: Any = answer.json()
    assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
    sizes = {}
    for icon in told["icons"]:
        path = found(icon["src"])
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert icon["sizes"] == "{}x{}".format(*picture.size)
            sizes[icon["sizes"], icon.get("purpose", "any")] = path.name
    assert set(sizes) == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    tokens = (STYLES / "tokens.css").read_text()
    assert f"--ground: {told['background_color']};" in tokens
    assert f"--paper: {told['theme_color']};" in tokens
    turkish = Client(headers={"Accept-Language": "tr"}).get("/manifest.webmanifest").json()
    assert turkish["description"] != told["description"]


@pytest.mark.parametrize("path", ["/manifest.webmanifest", "/sw.js", "/offline/"])
def test_they_are_the_same_for_everybody_and_ask_for_no_cookie(path: str) -> None:
    answers = [client.get(path) for client in (Client(), signed_in(STUDENT), signed_in(STAFF))]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")
    assert Client().post(path).status_code in {403, 405}


def test_the_worker_keeps_files_that_exist_and_one_page() -> None:
    answer = Client().get("/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    written = re.search(r"self\.shell = (.*);", answer.content.decode())
    assert written is not None
    shell = json.loads(written[1])
    assert shell["page"] == "/offline/"
    for address in shell["files"]:
        assert found(address).suffix in {".css", ".js", ".svg", ".png"}
    # What a page of a student loads is there without a connection.
    page = text_of(signed_in(STUDENT).get("/c/"))
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert loaded <= set(shell["files"])


def test_another_release_has_another_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Client().get("/sw.js").content
    monkeypatch.setattr(installed, "SHELL", installed.SHELL[1:])
    after = Client().get("/sw.js").content
    names = [re.search(rb"attn-[0-9a-f]{12}", text) for text in (before, after)]
    assert names[0] is not None
    assert names[1] is not None
    assert names[0][0] != names[1][0]


def test_the_page_without_a_connection_is_in_both_languages() -> None:
    page = text_of(Client().get("/offline/"))
    for words in ("No connection", "Try again", "Bağlantı yok", "Yeniden dene"):
        assert words in page
