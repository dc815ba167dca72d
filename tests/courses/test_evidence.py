"""What a file is, its first bytes say."""

import io
import zipfile

import pytest

from courses.errors import EvidenceEmpty, EvidenceKindRefused, EvidenceTooLarge
from courses.evidence import file_name_of, kind_of_evidence
from courses.vocabulary import MOST_EVIDENCE_BYTES, EvidenceKind

PNG = b"\x89PNG\r\n\x1a\n"


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("note.png", "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", EvidenceKind.PDF),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", EvidenceKind.JPEG),
        (b"\xff\xd8\xff\xe1Exif", EvidenceKind.JPEG),
        (PNG + b"\x00\x00\x00\rIHDR", EvidenceKind.PNG),
        (PNG.ljust(MOST_EVIDENCE_BYTES, b"\x00"), EvidenceKind.PNG),
    ],
)
def test_a_kind_is_known_by_its_first_bytes(content: bytes, kind: EvidenceKind) -> None:
    assert kind_of_evidence(content) is kind


@pytest.mark.parametrize(
    "content",
    [
        b"#!/bin/sh\nrm -r /\n",
        b"<html><script>alert(1)</script>",
        zipped(),
        b" %PDF-1.7",
        b"\x89PNG\n\x1a\n",
        b"\xff\xd8",
        b"%PDF",
        b"GIF89a",
    ],
)
def test_another_file_is_refused_whatever_its_name_says(content: bytes) -> None:
    with pytest.raises(EvidenceKindRefused):
        kind_of_evidence(content)


def test_a_file_is_neither_empty_nor_too_large() -> None:
    with pytest.raises(EvidenceEmpty):
        kind_of_evidence(b"")
    with pytest.raises(EvidenceTooLarge, match="at most 5 MB"):
        kind_of_evidence(PNG.ljust(MOST_EVIDENCE_BYTES + 1, b"\x00"))


@pytest.mark.parametrize(
    ("name", "kind", "saved_as"),
    [
        ("note.pdf", EvidenceKind.PDF, "note.pdf"),
        ("note.PDF", EvidenceKind.PDF, "note.pdf"),
        ("photo.JPG", EvidenceKind.JPEG, "photo.jpeg"),
        ("run.exe", EvidenceKind.PDF, "run.exe.pdf"),
        ("page.html", EvidenceKind.PNG, "page.html.png"),
        ("rapor\u0131.pdf", EvidenceKind.PDF, "rapor\u0131.pdf"),
        ("../../etc/passwd", EvidenceKind.PDF, "passwd.pdf"),
        ("C:\\letters\\note.pdf", EvidenceKind.PDF, "note.pdf"),
        # Written from right to left, it would end in .pdf to the eye.
        ("fdp.\u202eexe", EvidenceKind.PDF, "fdp.exe.pdf"),
        ('a"; filename="b.html', EvidenceKind.PDF, "a; filename=b.html.pdf"),
        (".pdf", EvidenceKind.PDF, "evidence.pdf"),
        ("...", EvidenceKind.PDF, "evidence.pdf"),
        ("x" * 200, EvidenceKind.PDF, "x" * 100 + ".pdf"),
    ],
)
def test_a_file_is_saved_under_a_name_that_says_what_it_is(
    name: str, kind: EvidenceKind, saved_as: str
) -> None:
    assert file_name_of(name, kind) == saved_as
