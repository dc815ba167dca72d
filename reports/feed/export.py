"""Writing an export: a folder with a file for each view and a manifest, there when it is whole."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from reports.feed.formats import FORMATS, Advance, check_is_possible
from reports.feed.revisions import Revision, check_is_before, present_revision, read_revision
from reports.feed.tables import FeedTable, tables_of

MANIFEST: Final = "manifest.json"


class FeedRequest(NamedTuple):
    since: str
    """The revision that the manifest before has as `next`; "0" for everything."""
    ending: str
    """Of the files, which says their format."""
    with_names: bool


class FeedFile(NamedTuple):
    name: str
    view: str
    rows: int
    size: int
    """In bytes."""
    sha256: str
    is_whole: bool
    """Whether all rows of the view are in it, rather than those of lessons that were touched."""


class Feed(NamedTuple):
    made_at: datetime
    since: str
    next: str
    files: Sequence[FeedFile]

    def manifest(self) -> dict[str, Any]:
        """For machines."""
        files = [file._asdict() for file in self.files]
        return self._asdict() | {"made_at": self.made_at.isoformat(), "files": files}


def export_feed(
    asked: FeedRequest, *, into: Path, follow: Callable[[str], Advance]
) -> tuple[Path, Feed]:
    """Make a folder in `into`; returns it and what is in it.

    `follow` is told the view that comes next. Raises InvalidRevision, RevisionUnknown,
    ParquetUnavailable, OSError.
    """
    check_is_possible(asked.ending)
    since, now = read_revision(asked.since), timezone.now().astimezone(UTC)
    into.mkdir(parents=True, exist_ok=True)
    with _snapshot() as (cursor, present), _part_of(into) as part:
        if since is not None:
            check_is_before(since, present)
        files = [
            _write(cursor, table, since, part / f"{table.name}.{asked.ending}", follow(table.name))
            for table in tables_of(with_names=asked.with_names)
        ]
        feed = Feed(now, asked.since, str(present), files)
        (part / MANIFEST).write_text(json.dumps(feed.manifest(), indent=2) + "\n")
        folder = into / f"attn_v1-{now:%Y%m%dT%H%M%S%fZ}"
        part.rename(folder)
    return folder, feed


@contextmanager
def _snapshot() -> Iterator[tuple[Any, Revision]]:
    """A cursor that sees one state of the database, and how far that state goes."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
        yield cursor, present_revision(cursor)


@contextmanager
def _part_of(into: Path) -> Iterator[Path]:
    """A folder for what is not whole yet; nobody else may look into it, also afterwards."""
    part = Path(mkdtemp(prefix=".attn_v1-", suffix=".part", dir=into))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(
    cursor: Any, table: FeedTable, since: Revision | None, path: Path, advance: Advance
) -> FeedFile:
    ending = path.name.removeprefix(f"{table.name}.")
    rows = FORMATS[ending](cursor, table.query(since), path, advance)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    is_whole = since is None or not table.changed
    return FeedFile(
        name=path.name,
        view=table.name,
        rows=rows,
        size=path.stat().st_size,
        sha256=digest,
        is_whole=is_whole,
    )
