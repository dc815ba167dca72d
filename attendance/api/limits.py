"""A limit for the size of bodies, applied before a body is read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from attendance.api.problems import PREFIX, problem

LARGEST_BODY = 16 * 1024


class LimitBodies:
    """Refuse a large body before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if request.path.startswith(PREFIX) and length.isdecimal() and int(length) > LARGEST_BODY:
            detail = f"A body has at most {LARGEST_BODY} bytes. Send less."
            return problem(413, "body_too_large", detail)
        return self.get_response(request)
