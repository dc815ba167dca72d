"""What a file is by its first bytes: names and declared types are whatever the sender says."""

import unicodedata
from pathlib import PureWindowsPath
from typing import Final

from courses.errors import EvidenceEmpty, EvidenceKindRefused, EvidenceTooLarge
from courses.vocabulary import MEGABYTE, MOST_EVIDENCE_BYTES, EvidenceKind

_BEGINNINGS: Final = (
    (b"%PDF-", EvidenceKind.PDF),
    (b"\xff\xd8\xff", EvidenceKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", EvidenceKind.PNG),
)
MEDIA_TYPES: Final = {
    EvidenceKind.PDF: "application/pdf",
    EvidenceKind.JPEG: "image/jpeg",
    EvidenceKind.PNG: "image/png",
}
_ENDINGS: Final = {EvidenceKind.JPEG: ("jpg", "jpeg", "jpe")}
LONGEST_FILE_NAME: Final = 100


def check_size(size: int) -> None:
    """Before anything is read. Raises EvidenceEmpty and EvidenceTooLarge."""
    if not size:
        raise EvidenceEmpty
    if size > MOST_EVIDENCE_BYTES:
        raise EvidenceTooLarge(most=MOST_EVIDENCE_BYTES // MEGABYTE)


def kind_of_evidence(content: bytes) -> EvidenceKind:
    """Whether a file is PDF, JPEG or PNG, and not too large.

    Nothing is unpacked or drawn: what a small file becomes then, its sender decides.
    Raises EvidenceEmpty, EvidenceTooLarge and EvidenceKindRefused.
    """
    check_size(len(content))
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    raise EvidenceKindRefused


def file_name_of(name: str, kind: EvidenceKind) -> str:
    """The name under which a file is saved: the sender's, ending in what the file is.

    Characters that turn the direction of writing or mean something to a file system are left
    out: `note.exe` in disguise is no name.
    """
    # A Windows path knows both kinds of slash, and drives.
    plain = "".join(
        char
        for char in PureWindowsPath(name).name
        if unicodedata.category(char)[0] != "C" and char not in '<>:"/\\|?*'
    )
    stem, dot, ending = plain.rpartition(".")
    if not dot or ending.casefold() not in _ENDINGS.get(kind, (kind.value,)):
        stem = plain
    stem = stem.strip(" .")[:LONGEST_FILE_NAME]
    return f"{stem or 'evidence'}.{kind.value}"
