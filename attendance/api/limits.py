"""A limit for what calls of the API send, applied before a body is read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from attendance.api.problems import problem
from attendance.http_bodies import NoFiles, NotRead, allowance_of, is_call, refusal_of


class LimitBodies:
    """Middleware: refuse a body that is too large, or of unknown length, before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_call(request):
            return self.get_response(request)
        allowance = allowance_of(request)
        match refusal_of(request, allowance.most_bytes):
            case NotRead.TOO_LARGE:
                detail = f"A body has at most {allowance.most_bytes} bytes. Send less."
                return problem(413, "body_too_large", detail)
            case NotRead.NO_LENGTH:
                detail = "Send the body with a Content-Length, not in chunks."
                return problem(411, "length_required", detail)
        if not allowance.takes_files:
            request.upload_handlers = [NoFiles(request)]
        return self.get_response(request)
