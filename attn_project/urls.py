"""Every address of the site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path

from attendance.api import problems
from attendance.http_bodies import is_call
from attendance.web import health, sessions

admin.autodiscover()

urlpatterns = [
    path("", include("attendance.web.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("reports/", include("reports.urls")),
    path("api/v1/", include("attendance.api.urls")),
    path("api/v1/", include("reports.api_urls")),
    re_path(r"^api(?:/.*)?$", problems.no_such_address, name="no-such-address"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A problem for a program, a page for a person."""
    if is_call(request):
        return problems.csrf_failure(request, reason)
    return sessions.csrf_failure(request, reason)


# Below /api/ they answer with problems, elsewhere with Django's pages.
handler400 = "attendance.api.problems.bad_request"
handler403 = "attendance.api.problems.forbidden"
handler404 = "attendance.api.problems.not_found"
handler500 = "attendance.api.problems.server_error"
