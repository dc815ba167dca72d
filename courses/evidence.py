"""What a file is by its first bytes: names and declared types are whatever the sender says."""

from typing import Final

from courses.errors import EvidenceEmpty, EvidenceKindRefused, EvidenceTooLarge
from courses.vocabulary import MOST_EVIDENCE_BYTES, EvidenceKind

_BEGINNINGS: Final = (
    (b"%PDF-", EvidenceKind.PDF),
    (b"\xff\xd8\xff", EvidenceKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", EvidenceKind.PNG),
)
MEGABYTE: Final = 1024 * 1024


def kind_of_evidence(content: bytes) -> EvidenceKind:
    """Whether a file is PDF, JPEG or PNG, and not too large.

    Raises EvidenceEmpty, EvidenceTooLarge and EvidenceKindRefused.
    """
    if not content:
        raise EvidenceEmpty
    if len(content) > MOST_EVIDENCE_BYTES:
        raise EvidenceTooLarge(most=MOST_EVIDENCE_BYTES // MEGABYTE)
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    raise EvidenceKindRefused
