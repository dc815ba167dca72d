"""Turkish: complete, with the placeholders of the English, and compiled from what is written."""

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation

CATALOGUES = sorted(Path(settings.BASE_DIR).glob("*/locale/tr/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|</?strong>")


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-5])
def test_a_catalogue_is_complete_and_keeps_every_placeholder(path: Path) -> None:
    entries = polib.pofile(str(path))
    assert len(entries) > 10
    for entry in entries:
        said = list(entry.msgstr_plural.values()) or [entry.msgstr]
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        assert all(said), entry.msgid
        assert "fuzzy" not in entry.flags, entry.msgid
        # One of something need not say its number.
        assert set(PLACEHOLDER.findall(said[-1])) == wanted, entry.msgid


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-5])
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    written, compiled = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))
    assert {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in written} == {
        (e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in compiled
    }


def test_every_text_of_a_template_is_in_the_catalogue() -> None:
    known = {entry.msgid for path in CATALOGUES for entry in polib.pofile(str(path))}
    used = set()
    for path in Path(settings.BASE_DIR).glob("*/templates/**/*.html"):
        used |= set(re.findall(r'{% translate "([^"]+)" %}', path.read_text()))
    assert len(used) > 50
    assert used <= known


def test_a_page_speaks_turkish() -> None:
    with translation.override("tr"):
        assert translation.gettext("I am here") == "Buradayım"
