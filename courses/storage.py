"""Where the files of evidence are: outside of what the site serves."""

from pathlib import Path
from typing import Protocol
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage


class HasKind(Protocol):
    kind: str


class EvidenceStorage(FileSystemStorage):
    """A folder of the site's own account; a file is read only through code that asks who reads."""

    def __init__(self) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700)

    @property
    def base_location(self) -> str:
        if not settings.EVIDENCE_FOLDER:
            raise ImproperlyConfigured("ATTN_EVIDENCE_FOLDER is empty: no file can be kept.")
        return str(settings.EVIDENCE_FOLDER)

    @property
    def location(self) -> str:
        return str(Path(self.base_location).absolute())

    def url(self, name: str | None) -> str:
        raise ValueError("Evidence has no address of its own.")


def evidence_storage() -> EvidenceStorage:
    return EvidenceStorage()


def evidence_name(row: HasKind, name: str) -> str:
    """A name that nobody can guess, and that says nothing of the person."""
    return f"{uuid4().hex}.{row.kind}"
