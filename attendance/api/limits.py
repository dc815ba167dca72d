"""A limit for the size of bodies, applied before a body is read."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from attendance.api.problems import PREFIX, problem
from courses.vocabulary import MOST_EVIDENCE_BYTES, MOST_EVIDENCE_TOGETHER

LARGEST_BODY = 16 * 1024
_FORM = 64 * 1024
"""What a form takes beside its files."""

_FILES = (
    # More than one file may have, so that the service can say what is wrong with it.
    (re.compile(r"/api/v1/absences/"), MOST_EVIDENCE_TOGETHER + _FORM),
    (re.compile(r"/api/v1/absences/[0-9]+/evidence/"), 2 * MOST_EVIDENCE_BYTES + _FORM),
)


class LimitBodies:
    """Refuse a large body before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if request.path.startswith(PREFIX) and length.isdecimal():
            most = most_bytes(request)
            if int(length) > most:
                detail = f"A body has at most {most} bytes. Send less."
                return problem(413, "body_too_large", detail)
        return self.get_response(request)


def most_bytes(request: HttpRequest) -> int:
    """How much a request may send; files only as a form, and where they are taken."""
    if request.method == "POST" and request.content_type == "multipart/form-data":
        for address, most in _FILES:
            if address.fullmatch(request.path):
                return most
    return LARGEST_BODY
