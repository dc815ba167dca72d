"""Files that support an absence: checked by their content, kept outside of what is served."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import InterfaceError, OperationalError
from django.db.models import Count, Sum
from django.db.models.fields.files import FieldFile

from courses.errors import EvidenceNotSetUp, TooMuchEvidence, TooMuchEvidenceToday
from courses.evidence import check_size, kind_of_evidence
from courses.models import Absence, AbsenceEvidence
from courses.models.rules import LAST_DAY
from courses.services.validation import clean_title
from courses.vocabulary import (
    LONGEST_TITLE,
    MEGABYTE,
    MOST_EVIDENCE_A_DAY,
    MOST_EVIDENCE_FILES,
    MOST_EVIDENCE_TOGETHER,
)
from users.identity import Role
from users.models import User


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was sent; its name is only shown again."""

    name: str
    content: bytes


class SentFile(Protocol):
    """What Django gives for a file that is uploaded."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    def read(self) -> bytes: ...


def read_sent_files(sent: Sequence[SentFile]) -> list[EvidenceFile]:
    """The files of a request; what is too large is not read into memory.

    Raises TooMuchEvidence, EvidenceEmpty and EvidenceTooLarge.
    """
    _check_together(len(sent), sum(file.size or 0 for file in sent))
    for file in sent:
        check_size(file.size or 0)
    return [EvidenceFile(name=file.name or "", content=file.read()) for file in sent]


@contextmanager
def removing_on_failure() -> Iterator[list[FieldFile]]:
    """Remove the files that were put into the list, where the transaction inside fails."""
    written: list[FieldFile] = []
    try:
        yield written
    except (InterfaceError, OperationalError):
        # A connection that breaks in the commit does not say whether the rows are there. A file
        # without a row harms nobody; a row without its file does.
        raise
    except BaseException:
        _remove(written)
        raise


def keep_evidence(
    absence: Absence, files: Sequence[EvidenceFile], *, actor: User, at: datetime
) -> list[FieldFile]:
    """Write files and their rows, inside the caller's transaction and `removing_on_failure`.

    All are checked before the first is written. Raises EvidenceNotSetUp, TooMuchEvidence,
    TooMuchEvidenceToday, EvidenceEmpty, EvidenceTooLarge, EvidenceKindRefused and InvalidText.
    """
    if files and not settings.EVIDENCE_FOLDER:
        raise EvidenceNotSetUp
    rows = [_row(absence, file, actor=actor, at=at) for file in files]
    _check_amount(absence, rows, actor=actor, at=at)
    written: list[FieldFile] = []
    try:
        for row, file in zip(rows, files, strict=True):
            row.file.save(row.name, ContentFile(file.content), save=False)
            written.append(row.file)
            row.save()
    except BaseException:
        _remove(written)
        raise
    return written


def _without_marks(name: str) -> str:
    """Marks that turn a line around in a name that a phone has given are no reason to refuse."""
    return "".join(char for char in name if unicodedata.category(char) != "Cf")


def _row(absence: Absence, file: EvidenceFile, *, actor: User, at: datetime) -> AbsenceEvidence:
    return AbsenceEvidence(
        absence=absence,
        name=clean_title(_without_marks(file.name), most=LONGEST_TITLE),
        kind=kind_of_evidence(file.content),
        size=len(file.content),
        added_by=actor,
        added_at=at,
        kept_until=min((absence.ends_at + timedelta(days=settings.EVIDENCE_DAYS)).date(), LAST_DAY),
    )


def _check_amount(
    absence: Absence, rows: Sequence[AbsenceEvidence], *, actor: User, at: datetime
) -> None:
    """What is there already counts as well; the caller holds the absence."""
    if not rows:
        return
    size = sum(row.size for row in rows)
    there = absence.evidence.filter(removed_at=None).aggregate(n=Count("pk"), size=Sum("size"))
    _check_together(len(rows) + there["n"], size + (there["size"] or 0))
    if actor.role == Role.STAFF:
        return
    lately = AbsenceEvidence.objects.filter(added_by=actor, added_at__gt=at - timedelta(days=1))
    if size + (lately.aggregate(size=Sum("size"))["size"] or 0) > MOST_EVIDENCE_A_DAY:
        raise TooMuchEvidenceToday(most=MOST_EVIDENCE_A_DAY // MEGABYTE)


def _check_together(files: int, size: int) -> None:
    if files > MOST_EVIDENCE_FILES or size > MOST_EVIDENCE_TOGETHER:
        raise TooMuchEvidence(files=MOST_EVIDENCE_FILES, most=MOST_EVIDENCE_TOGETHER // MEGABYTE)


def _remove(written: Sequence[FieldFile]) -> None:
    for file in written:
        if file.name:
            file.storage.delete(file.name)
