"""Errors: a code, a template that the catalogue holds, and every value that it needs."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import timezone, translation

from attendance.errors import (
    InvalidWindow,
    LessonClosed,
    LiveStoreUnavailable,
    RecordExists,
    TooManyAttempts,
)
from attendance.services.persistence.report import Counts, PersistenceReport, Totals
from attendance.vocabulary import Status, Trigger
from attendance.wording import runs
from tests.support.raise_sites import MODULES, RaiseSite, kinds, placeholders, read
from users.errors import AttnError, InvalidFullName, RowError, SignInBusy, gettext_noop
from users.wording import in_words

ROOT = Path(settings.BASE_DIR)
SOURCES = sorted(
    path
    for app in ("attendance", "courses", "reports", "users", "webhooks")
    for path in (ROOT / app).rglob("*.py")
)
SHOWN_TO_PEOPLE = (
    "attendance/admin",
    "attendance/web",
    "attendance/wording",
    "courses",
    "reports",
    "users",
    "webhooks",
)
CATALOGUE = {
    entry.msgid: entry.msgstr
    for path in ROOT.glob("*/locale/tr/LC_MESSAGES/django.po")
    for entry in polib.pofile(str(path))
}
SITES = {
    f"{path.relative_to(ROOT)}:{site.line}": site
    for path in SOURCES
    for site in read(path.read_text())[0]
}
TEMPLATES = sorted(
    {site.template for site in SITES.values()} | {kind.default_message for kind in kinds()}
)
IMPORTS = "from users.errors import gettext_noop as _\n"


def test_every_module_that_defines_errors_is_known() -> None:
    found = {str(path) for path in SOURCES if path.match("*/errors.py")}
    known = {module.__file__ for module in MODULES}
    assert {path for path in found if "(AttnError)" in Path(path).read_text()} <= known


def filled(site: RaiseSite) -> AttnError:
    samples: dict[str, object] = dict.fromkeys(site.values, "x")
    numbers = [*re.findall(r"%\((\w+)\)d", site.template), *({"retry_after"} & site.values)]
    samples |= dict.fromkeys(numbers, 7)
    return site.error(site.template, **samples)


def test_errors_are_found() -> None:
    assert len(SITES) > 100
    assert len(TEMPLATES) > 80


def test_every_error_is_made_of_a_literal_and_its_values() -> None:
    faults = {path: read(path.read_text())[1] for path in SOURCES}
    assert {str(path): found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "made",
    [
        'InvalidInput(f"At most {MOST}.")',
        'InvalidInput("At most.")',
        'InvalidInput(_("At most ") + "five.")',
        'InvalidInput(_("At most {}.").format(5))',
        'InvalidInput(_("At most %d.") % 5)',
        'InvalidInput(_(f"At most {MOST}."))',
        "InvalidInput(DETAIL)",
        'InvalidInput(gettext("At most five."))',
        'InvalidInput(_("At most %(most)d."))',
        'InvalidInput(_("At most five."), most=5)',
        'InvalidInput(_("At most %(most)d."), **{"most": 5})',
        "InvalidFullName",
        "errors.InvalidFullName()",
    ],
)
def test_an_error_that_cannot_be_translated_is_found(made: str) -> None:
    assert len(read(f"{IMPORTS}raise {made}\n")[1]) == 1


def test_a_message_that_is_translated_where_it_is_raised_is_found() -> None:
    early = "from django.utils.translation import gettext as _\n"
    assert read(f'{early}raise InvalidInput(_("At most five."))\n')[1]
    assert not read(f'{IMPORTS}raise InvalidInput(_("At most five."))\n')[1]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_in_the_catalogue_with_its_placeholders(template: str) -> None:
    assert CATALOGUE.get(template)
    assert placeholders(CATALOGUE[template]) == placeholders(template)


@pytest.mark.parametrize("name", SITES)
def test_what_is_rendered_is_whole_in_both_languages(name: str) -> None:
    error = filled(SITES[name])
    for language in ("en", "tr"):
        with translation.override(language):
            assert "%(" not in in_words(error) + error.detail
            assert error.detail == str(error) == error.as_dict()["detail"]
    with translation.override("en"):
        assert in_words(error) == error.detail


def test_a_code_belongs_to_one_kind() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)


def test_the_codes_of_rows_are_described() -> None:
    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert all(f"`{kind.code}`" in text for kind in kinds(RowError) if kind is not RowError)


def test_people_are_never_shown_the_english_of_an_error() -> None:
    for folder in SHOWN_TO_PEOPLE:
        for path in (ROOT / folder).rglob("*.py"):
            assert "error.detail" not in path.read_text(), path


def test_what_programs_are_given_is_what_the_kind_says() -> None:
    told = TooManyAttempts(gettext_noop("Wait %(retry_after)d of %(all)d."), retry_after=3, all=9)
    assert told.as_dict() == {
        "code": "too_many_attempts",
        "detail": "Wait 3 of 9.",
        "retry_after": 3,
    }
    assert InvalidFullName(most=200).context == {}


def test_an_instant_is_iso_for_programs_and_a_time_of_the_campus_for_people() -> None:
    at = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    assert LessonClosed(ends_at=at).context == {"ends_at": "2026-03-02T07:30:00+00:00"}
    error = InvalidWindow("The lesson already ends at %(end)s. Choose a later end.", end=at)
    with translation.override("tr"), timezone.override("Europe/Istanbul"):
        assert (
            in_words(error)
            == "Dersin bitişi zaten Pzt 2 Mar 2026, 10:30. Daha geç bir bitiş seçin."
        )
        assert "ends at 2026-03-02T07:30:00+00:00." in error.detail


def test_a_choice_is_shown_by_its_name() -> None:
    error = RecordExists("It is %(status)s.", status=Status.EXCUSED)
    assert error.detail == "It is excused."
    with translation.override("tr"):
        assert in_words(error) == "It is izinli."


def test_a_run_that_ended_early_is_told_in_the_reader_s_language() -> None:
    report = PersistenceReport(
        run_id=None,
        trigger=Trigger.ADMIN,
        is_dry_run=False,
        is_interrupted=False,
        unavailable=LiveStoreUnavailable().detail,
        lessons=(),
        totals=Totals(
            lessons=0,
            counts=Counts(),
            events_inserted=0,
            newly_quarantined=0,
            expected=0,
            marked_absent=0,
            outcomes={},
        ),
        seconds=0.0,
    )
    with translation.override("tr"):
        assert runs.in_words(report).endswith(
            "Canlı depoya ulaşılamıyor. Birazdan yeniden deneyin."
        )
    with translation.override("en"):
        assert runs.in_words(report).endswith(report.unavailable)


def test_errors_need_no_django() -> None:
    code = "import sys, attendance.errors; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("seconds", "english", "turkish"),
    [
        (1, "1 second", "1 saniye"),
        (60, "60 seconds", "60 saniye"),
        (61, "2 minutes", "2 dakika"),
        (900, "15 minutes", "15 dakika"),
    ],
)
def test_a_wait_is_told_in_minutes_where_it_is_long(
    seconds: int, english: str, turkish: str
) -> None:
    error = SignInBusy(retry_after=seconds)
    assert error.detail.endswith(f"Try again in {english}.")
    assert error.context == {"retry_after": seconds}
    assert english in in_words(error)
    with translation.override("tr"):
        assert f"{turkish} sonra" in in_words(error)
