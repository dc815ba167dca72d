"""A file of evidence as an answer: always to be saved, never shown or run by a browser."""

from django.http import FileResponse

from courses.errors import EvidenceNotFound, EvidenceRemoved
from courses.evidence import MEDIA_TYPES, file_name_of
from courses.models import AbsenceEvidence
from courses.vocabulary import EvidenceKind
from users import security_log
from users.models import SecurityKind
from users.security_log import Details

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def attachment(row: AbsenceEvidence) -> FileResponse:
    """The file of a row, under the sender's name and the ending of what it is.

    A file can be two things at once, such as a PDF that is a script as well: it is named as
    what it was accepted as, no browser guesses anew, and what opens it all the same has no
    rights here. Raises EvidenceRemoved and EvidenceNotFound.
    """
    if row.removed_at is not None:
        raise EvidenceRemoved(day=row.kept_until)
    try:
        file = row.file.open()
    except FileNotFoundError:
        raise EvidenceNotFound from None
    security_log.write(
        SecurityKind.EXPORTED, subject_id=row.absence.user_id, details=Details(what="evidence")
    )
    kind = EvidenceKind(row.kind)
    answer = FileResponse(
        file,
        as_attachment=True,
        filename=file_name_of(row.name, kind),
        content_type=MEDIA_TYPES[kind],
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = POLICY
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "private, no-store"
    return answer
