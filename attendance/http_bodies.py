"""What a request may send: how much at each address, and where files are taken.

Applied before a body is read: the API answers with a problem and pages with a page
(`api/limits.py`, `web/bodies.py`); what may be sent is decided here alone.
"""

import re
from enum import Enum, auto
from typing import Any, Final, NamedTuple, NoReturn

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from courses.vocabulary import MOST_EVIDENCE_BYTES, MOST_EVIDENCE_TOGETHER

API: Final = "/api/"
LARGEST_CALL: Final = 16 * 1024
LARGEST_FORM: Final = 256 * 1024
"""The administration's list of a thousand rows to act on is the largest one."""
_BESIDE_FILES: Final = 64 * 1024
"""What a form takes beside its files."""
_MULTIPART: Final = "multipart/form-data"

# More than one file may have, so that the service can say what is wrong with it.
_ONE_FILE: Final = 2 * MOST_EVIDENCE_BYTES + _BESIDE_FILES
_FILES: Final = MOST_EVIDENCE_TOGETHER + _BESIDE_FILES
_TAKE_FILES: Final = (
    (re.compile(r"/api/v1/absences/"), _FILES),
    (re.compile(r"/api/v1/absences/[0-9]+/evidence/"), _ONE_FILE),
    (re.compile(r"/people/import/"), _FILES),
    (re.compile(r"/me/absences/(?:ask|[0-9]+/file)/"), _FILES),
    (re.compile(r"/sections/[0-9]+/import/(?:preview/)?"), _FILES),
    (re.compile(r"/admin/courses/absence/(?:ask|[0-9]+/attach)/"), _FILES),
)


class Allowance(NamedTuple):
    """What one request may send."""

    most_bytes: int
    takes_files: bool


class NotRead(Enum):
    """Why a body is not read."""

    TOO_LARGE = auto()
    NO_LENGTH = auto()
    """Sent in chunks: how long it will be nobody says, and Django would take it for empty."""


class NoFiles(FileUploadHandler):
    """Leaves out every file of a form, so that none fills the disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def allowance_of(request: HttpRequest) -> Allowance:
    """Files only by POST as a form, and only where a page or an endpoint takes them."""
    if request.method == "POST" and request.content_type == _MULTIPART:
        for address, most in _TAKE_FILES:
            if address.fullmatch(request.path):
                return Allowance(most, takes_files=True)
    return Allowance(LARGEST_CALL if is_call(request) else LARGEST_FORM, takes_files=False)


def is_call(request: HttpRequest) -> bool:
    """Whether the answer is for a program."""
    return request.path.startswith(API)


def refusal_of(request: HttpRequest, most_bytes: int) -> NotRead | None:
    """Why a body is not read, by its headers."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        return NotRead.NO_LENGTH
    if length.isdecimal() and int(length) > most_bytes:
        return NotRead.TOO_LARGE
    return None
