"""Every endpoint with its methods, from the addresses themselves."""

from django.urls import URLPattern

from attendance.api.urls import urlpatterns as of_attendance
from reports.api_urls import urlpatterns as of_reports


def methods_of(pattern: URLPattern) -> list[str]:
    view = getattr(pattern.callback, "view_class", None)
    if view is None:
        return ["POST"]
    names = ("get", "post", "put", "patch", "delete")
    return [name.upper() for name in names if hasattr(view, name)]


ADDRESSES = (*of_attendance, *of_reports)
ENDPOINTS = [(each, method) for each in ADDRESSES for method in methods_of(each)]
