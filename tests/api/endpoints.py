"""Every endpoint with its methods, from the addresses themselves."""

from django.urls import URLPattern

from attendance.api.urls import urlpatterns


def methods_of(pattern: URLPattern) -> list[str]:
    view = getattr(pattern.callback, "view_class", None)
    if view is None:
        return ["POST"]
    names = ("get", "post", "put", "patch", "delete")
    return [name.upper() for name in names if hasattr(view, name)]


ENDPOINTS = [(each, method) for each in urlpatterns for method in methods_of(each)]
