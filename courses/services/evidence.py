"""Files that support an absence: checked by their content, kept outside of what is served."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import InterfaceError, OperationalError
from django.db.models.fields.files import FieldFile

from courses.errors import EvidenceNotSetUp
from courses.evidence import kind_of_evidence
from courses.models import Absence, AbsenceEvidence
from courses.models.rules import LAST_DAY
from courses.services.validation import clean_title
from courses.vocabulary import EVIDENCE_DAYS, LONGEST_TITLE
from users.models import User


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was sent; its name is only shown again."""

    name: str
    content: bytes


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

    All are checked before the first is written. Raises EvidenceNotSetUp,
    EvidenceEmpty, EvidenceTooLarge, EvidenceKindRefused and InvalidText.
    """
    if files and not settings.EVIDENCE_FOLDER:
        raise EvidenceNotSetUp
    rows = [_row(absence, file, actor=actor, at=at) for file in files]
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


def _row(absence: Absence, file: EvidenceFile, *, actor: User, at: datetime) -> AbsenceEvidence:
    return AbsenceEvidence(
        absence=absence,
        name=clean_title(file.name, most=LONGEST_TITLE),
        kind=kind_of_evidence(file.content),
        size=len(file.content),
        added_by=actor,
        added_at=at,
        kept_until=min((absence.ends_at + timedelta(days=EVIDENCE_DAYS)).date(), LAST_DAY),
    )


def _remove(written: Sequence[FieldFile]) -> None:
    for file in written:
        if file.name:
            file.storage.delete(file.name)
