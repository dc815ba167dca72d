"""A roster that comes over a page: kept, shown as a plan, applied as it was shown."""

from datetime import datetime, timedelta

import msgspec

from courses import rules
from courses.errors import PlanChanged, SectionArchived, SectionNotFound, UploadMissing
from courses.models import RosterUpload, Section
from courses.selectors.rosters import roles_in
from courses.services.rosters.applying import RosterReport, apply_roster
from courses.services.rosters.plan import RosterPlan
from courses.services.rosters.planning import RosterSource, plan_roster
from courses.services.rosters.world import find_section
from courses.vocabulary import LONGEST_TITLE, MOST_UPLOADED_BYTES
from users.errors import FileTooLarge
from users.identity import Person, clean_text
from users.reading.text import MEGABYTE

KEPT = timedelta(days=1)


class Uploader(msgspec.Struct, frozen=True):
    """Who uploads to which section."""

    section_id: int
    user_id: int
    person: Person


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content: bytes
    encoding: str = ""


class UploadPreview(msgspec.Struct, frozen=True, kw_only=True):
    section: Section
    name: str
    plan: RosterPlan


def section_of(by: Uploader, *, at: datetime) -> Section:
    """The section, for whoever may upload its roster.

    Raises SectionNotFound and SectionArchived.
    """
    section = find_section(by.section_id)
    on = section.local_date(at)
    roles = roles_in(user_id=by.user_id, section_ids=[section.pk], on=on)[section.pk]
    if not rules.may_import(by.person, roles):
        # What somebody may not see is not there.
        raise SectionNotFound
    if section.is_archived:
        raise SectionArchived
    return section


def keep_upload(file: UploadedFile, *, by: Uploader, at: datetime) -> None:
    """Keep a file until it is applied, in the place of the one before.

    One that cannot be planned is not kept. Raises FileTooLarge, as `section_of` and as
    `plan_roster`.
    """
    section_of(by, at=at)
    if len(file.content) > MOST_UPLOADED_BYTES:
        raise FileTooLarge(most=MOST_UPLOADED_BYTES // MEGABYTE)
    plan_roster(_source(file.content, file.encoding, by), at=at)
    RosterUpload.objects.filter(made_at__lte=at - KEPT).delete()
    RosterUpload.objects.update_or_create(
        section_id=by.section_id,
        uploaded_by_id=by.user_id,
        defaults={
            "name": (clean_text(file.name) or "")[:LONGEST_TITLE],
            "content": file.content,
            "encoding": file.encoding,
            "made_at": at,
        },
    )


def preview_upload(*, by: Uploader, at: datetime) -> UploadPreview:
    """What the kept file would do now. Raises UploadMissing, and as `keep_upload`."""
    section = section_of(by, at=at)
    row = _kept(by, at=at)
    plan = plan_roster(_source(bytes(row.content), row.encoding, by), at=at).plan
    return UploadPreview(section=section, name=row.name, plan=plan)


def apply_upload(
    *, by: Uploader, at: datetime, digest: str, allow_drop: int | None
) -> RosterReport:
    """Apply the kept file as it was shown: the digest is required.

    Raises UploadMissing, PlanChanged, and as `apply_roster`.
    """
    section_of(by, at=at)
    row = _kept(by, at=at)
    if not digest:
        raise PlanChanged
    source = _source(bytes(row.content), row.encoding, by)
    report = apply_roster(source, at=at, digest=digest, allow_drop=allow_drop)
    if not report.failed:
        row.delete()
    return report


def _kept(by: Uploader, *, at: datetime) -> RosterUpload:
    row = RosterUpload.objects.filter(
        section_id=by.section_id, uploaded_by_id=by.user_id, made_at__gt=at - KEPT
    ).first()
    if row is None:
        raise UploadMissing
    return row


def _source(content: bytes, encoding: str, by: Uploader) -> RosterSource:
    return RosterSource(
        content=content, encoding=encoding, section_id=by.section_id, actor=by.person
    )
