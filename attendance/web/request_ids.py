"""The request id of a form: one for a form that is sent twice, another after Back and a change."""

from collections.abc import Iterable

from django.http import HttpRequest

from attendance.services.request_keys import request_id_of_form
from attendance.web.callers import person_of

_NOT_ASKED_FOR = {"csrfmiddlewaretoken", "request_id", "buttons"}


def request_id_of(request: HttpRequest, content: Iterable[tuple[str, object]] | None = None) -> str:
    """The id of what a form asks for: by `content`, or by its fields as they were sent."""
    if content is None:
        content = request.POST.lists()
    return request_id_of_form(
        request.POST.get("request_id", ""),
        actor=person_of(request),
        place=request.path,
        content=[(name, value) for name, value in content if name not in _NOT_ASKED_FOR],
    )
