"""A limit for what the forms with files take, applied before a body is read."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from attendance.web.errors import page_of
from courses.vocabulary import MEGABYTE, MOST_EVIDENCE_TOGETHER

_FORM = 64 * 1024
"""What a form takes beside its files."""

_FILES = re.compile(r"/me/absences/(ask|[0-9]+/file)/|/sections/[0-9]+/import/(preview/)?")


class LimitUploads:
    """Refuse a form that is too large. Who looks for its token would read all of it first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_large = length.isdecimal() and int(length) > MOST_EVIDENCE_TOGETHER + _FORM
        if is_large and _FILES.fullmatch(request.path):
            detail = _("Files have at most %(most)d MB together. Go back and choose smaller ones.")
            most = {"most": MOST_EVIDENCE_TOGETHER // MEGABYTE}
            return page_of(request, "body_too_large", detail % most, 413)
        return self.get_response(request)
