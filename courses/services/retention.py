"""Remove the files of evidence whose time is over; their rows say that there was one."""

from datetime import date, datetime

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from courses.errors import EvidenceNotSetUp
from courses.models import AbsenceEvidence
from courses.storage import evidence_storage

ROWS = 200
"""Rows of one transaction: a process that dies has that much to do again."""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has removed, or would."""

    files: int
    size: int


def remove_old_evidence(*, today: date, now: datetime, dry_run: bool = False) -> Removed:
    """Remove every file that was to be kept until yesterday or earlier.

    The file goes first, then its row says so: whoever dies in between is followed by a run
    that finds no file and writes the row. Two at once share the rows. Raises
    EvidenceNotSetUp where there are rows and no folder.
    """
    old = AbsenceEvidence.objects.filter(removed_at=None, kept_until__lt=today).order_by("pk")
    if dry_run:
        sizes = list(old.values_list("size", flat=True))
        return Removed(files=len(sizes), size=sum(sizes))
    if not settings.EVIDENCE_FOLDER and old.exists():
        raise EvidenceNotSetUp
    files = size = 0
    while part := _remove_part(old, now):
        files, size = files + len(part), size + sum(part)
    return Removed(files=files, size=size)


def _remove_part(old: QuerySet[AbsenceEvidence], now: datetime) -> list[int]:
    """The sizes of the files that this part removed."""
    storage = evidence_storage()
    with transaction.atomic():
        rows = list(old.select_for_update(skip_locked=True)[:ROWS])
        for row in rows:
            # Nothing happens where the file is gone already.
            storage.delete(str(row.file.name))
        AbsenceEvidence.objects.filter(pk__in=[row.pk for row in rows]).update(removed_at=now)
    return [row.size for row in rows]
