"""Bytes that spreadsheets write, read as rows, or refused with what to do."""

import io
from datetime import date

import pytest

from users import errors
from users.identity import clean_full_name
from users.reading import text as reading
from users.reading.cells import fold_case, fold_heading, parse_day, parse_school_number
from users.reading.table import ALIASES, Table, read_table
from users.reading.text import as_text, read_bounded

WANTED = ("school_number", "full_name", "section", "role", "begins_on", "ends_on")
PLAIN = "school_number,full_name\nE-1,Ayşe Öz\n"


def table_of(raw: bytes, fallback: str = "") -> Table:
    return read_table(as_text(raw, fallback=fallback), wanted=WANTED)


def rows_of(raw: bytes, fallback: str = "") -> list[dict[str, str]]:
    return [dict(row.cells) for row in table_of(raw, fallback).rows]


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b"\xef\xbb\xbf" * 2 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        b"\n" + PLAIN.encode(),
        b"\r\n,,\r\n" + PLAIN.encode(),
        b"\xef\xbb\xbf\n\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        b'"sep=;"\n' + PLAIN.replace(",", ";").encode(),
        b"sep=\t\n" + PLAIN.replace(",", "\t").encode(),
        b"school_number,full_name,,\nE-1,Ay\xc5\x9fe \xc3\x96z,,\n",
        "Okul No;Ad Soyad\nE-1;Ayşe Öz".encode(),
        "OKUL NO;AD SOYAD\nE-1;Ayşe Öz".encode(),
        "ÖĞRENCİ NO;ADI SOYADI\nE-1;Ayşe Öz".encode(),
        "Öğrenci No.;Adı Soyadı\nE-1;Ayşe Öz".encode(),
        " numara ; FULL-NAME \nE-1;Ayşe Öz".encode(),
        b"school_number\xe2\x80\x8b,full_name\nE-1,Ay\xc5\x9fe \xc3\x96z\n",
        b'"school_number","full_name"\n"E-1","Ay\xc5\x9fe \xc3\x96z"\n\n , \n',
        # More semicolons than commas in a heading that a spreadsheet quoted.
        b'school_number,full_name,"a;b;c"\nE-1,Ay\xc5\x9fe \xc3\x96z,"two\nlines"\n',
    ],
    ids=range(24),
)
def test_one_row_however_it_is_written(raw: bytes) -> None:
    assert rows_of(raw) == [{"school_number": "E-1", "full_name": "Ayşe Öz"}]


@pytest.mark.parametrize("fallback", ["cp1254", "cp1252"])
def test_an_older_encoding_is_read_only_where_a_person_chose_it(fallback: str) -> None:
    raw = b"no,x\nschool_number,full_name\n" + "E-1,Çağrı\n".encode("cp1254")
    raw = raw.partition(b"\n")[2]
    with pytest.raises(errors.EncodingUnknown) as caught:
        table_of(raw)
    for said in ("--encoding cp1254", "Çağrı", "Çaðrý"):
        assert said in caught.value.detail
    name = {"cp1254": "Çağrı", "cp1252": "Çaðrý"}[fallback]
    assert rows_of(raw, fallback)[0]["full_name"] == name


def test_five_names_are_shown_of_a_file_in_an_older_encoding() -> None:
    names = "".join(f"E-{n},Ş{n}\n" for n in range(9))
    with pytest.raises(errors.EncodingUnknown) as caught:
        table_of(("school_number,Ş\n" + names).encode("cp1254"))
    assert caught.value.values["first_names"] == "Ş0, Ş1, Ş2, Ş3, Ş4"


def test_utf_8_stays_what_it_is_whatever_was_chosen() -> None:
    assert rows_of(PLAIN.encode(), "cp1254")[0]["full_name"] == "Ayşe Öz"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (PLAIN.encode("utf-16-le"), "NUL"),
        (b"\xff\xfea", "not UTF-16"),
        (b"a" * 20_000, "too long"),
        (b"okul no,school_number\nE-1,E-1\n", "okul no and school_number are both"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(raw: bytes, says: str) -> None:
    with pytest.raises(errors.UnreadableFile, match=says):
        table_of(raw)


def test_bytes_that_the_chosen_encoding_has_not_are_refused() -> None:
    with pytest.raises(errors.UnreadableFile, match="neither UTF-8 nor cp1254"):
        table_of(b"a\x81\xff", "cp1254")


def test_a_file_is_measured_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_bounded(io.BytesIO(b"12345"), most=5) == b"12345"
    with pytest.raises(errors.FileTooLarge, match="50 MB"):
        read_bounded(io.BytesIO(bytes(reading.MOST_BYTES + 1)))


def test_other_columns_are_named_and_not_read() -> None:
    table = table_of(b"note,school_number,,telefon,full_name\nx,E-1,y,z,Ada\n")
    assert (table.unread, next(table.rows).cells) == (
        ("note", "", "telefon"),
        {"school_number": "E-1", "full_name": "Ada"},
    )
    wide = ",".join(["school_number", *(f"c{n}" for n in range(100))])
    assert len(table_of(f"{wide}\nE-1\n".encode()).unread) == 100


@pytest.mark.parametrize(
    ("line", "code", "is_short"),
    [
        ("E-1,Ada,x", "too_many_values", False),
        ('E-1,"A"da', "unreadable_row", False),
        ('"E-1\nE-2",Ada', "row_of_several_lines", False),
        ("E-1", "", True),
    ],
)
def test_a_ragged_row_is_told_by_its_line(line: str, code: str, is_short: bool) -> None:
    rows = list(table_of(f"\nschool_number,full_name\n\n{line}\nE-9,Last\n".encode()).rows)
    assert [rows[0].line, rows[1].cells.get("school_number")] == [4, "E-9"]
    assert (rows[0].error.code if rows[0].error else "", rows[0].is_short) == (code, is_short)


@pytest.mark.parametrize("tail", ['E-2,"Ada\nE-3,Lin\n', 'E-2,"Ada\nE-3,"Lin"\n'])
def test_an_open_quotation_mark_ends_the_reading_where_it_is(tail: str) -> None:
    rows = table_of((PLAIN + tail).encode()).rows
    assert next(rows).line == 2
    with pytest.raises(errors.UnreadableFile, match="From line 3 on"):
        list(rows)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-09-14", date(2026, 9, 14)),
        (" 14.09.2026 ", date(2026, 9, 14)),
        ("1.9.2026", date(2026, 9, 1)),
        ("", None),
        (" ", None),
    ],
)
def test_days_are_read_as_iso_and_with_dots(cell: str, day: date | None) -> None:
    assert parse_day(cell) == day


@pytest.mark.parametrize(
    "cell",
    ["14/09/2026", "31.02.2026", "2026-13-01", "20260914", "2026-W38-1", "46279", "١.١.٢٠٢٦"],
)
def test_no_day_is_guessed(cell: str) -> None:
    with pytest.raises(errors.InvalidDay, match="2026-09-14"):
        parse_day(cell)


@pytest.mark.parametrize("cell", ["1.00012E+07", "1,00012E+07", "1e+15", " 2E+10 "])
def test_a_rounded_number_is_refused(cell: str) -> None:
    with pytest.raises(errors.NumberFromSpreadsheet, match="Make the column text"):
        parse_school_number(cell)


def test_a_number_is_text_and_keeps_its_zeros() -> None:
    assert parse_school_number(" 000123 ") == "000123"
    assert parse_school_number("1e07") == "1E07"


def test_case_is_folded_in_turkish_and_in_english() -> None:
    for word in ("sınıf", "SINIF", "Sinif", "SİNİF"):
        assert fold_case(f"  {word}  A ") == "sinif a"
    assert fold_heading("BAŞLANGIÇ_Tarihi") == "baslangic tarihi"


def test_every_alias_is_one_column_s_and_folded() -> None:
    names = [name for of_one in ALIASES.values() for name in of_one]
    assert len(set(names)) == len(names)
    assert [fold_heading(name) for name in names] == names
    for column in ALIASES:
        assert fold_heading(column) in ALIASES[column]


@pytest.mark.parametrize(
    "name", ["\u200b", "\u200b \u2060", "\u2800", "\u3164", "\u202eeilA", "Ali\u2066", "\u0301"]
)
def test_a_name_shows_something_and_turns_no_line(name: str) -> None:
    with pytest.raises(errors.InvalidFullName):
        clean_full_name(name)


@pytest.mark.parametrize("name", ["Ay\u200dşe", "علي", "小明", "O'Neil", "Ж", "می\u200cخواهم"])
def test_names_of_every_alphabet_are_kept(name: str) -> None:
    assert clean_full_name(name) == name


def test_the_inputs_that_failed_are_read() -> None:
    inputs = {
        b"school_number,full_name,role,,\nE-1,Trailing One,student,,\n": "Trailing One",
        b"\nschool_number,full_name\nE-9,Blank First\n": "Blank First",
        b"\xef\xbb\xbf\xef\xbb\xbfschool_number,full_name\nE-10,Two Boms\n": "Two Boms",
        b"sep=;\r\nschool_number;full_name\r\nE-3;Sep Line\r\n": "Sep Line",
    }
    for raw, name in inputs.items():
        assert rows_of(raw)[0]["full_name"] == name
