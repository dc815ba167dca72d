"""Where the files of evidence are: outside of what the site serves."""

from pathlib import Path
from typing import Protocol
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage


class HasKind(Protocol):
    kind: str


def evidence_storage() -> Storage:
    """A folder of the site's own account; a file is read only through code that asks who reads."""
    return FileSystemStorage(
        location=Path(settings.EVIDENCE_FOLDER or "evidence"),
        file_permissions_mode=0o600,
        directory_permissions_mode=0o700,
    )


def evidence_name(row: HasKind, name: str) -> str:
    """A name that nobody can guess, and that says nothing of the person."""
    return f"{uuid4().hex}.{row.kind}"
