"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from attendance.web import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("attendance.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

# Below /api/ they answer with problems, elsewhere with Django's pages.
handler400 = "attendance.api.problems.bad_request"
handler403 = "attendance.api.problems.forbidden"
handler404 = "attendance.api.problems.not_found"
handler500 = "attendance.api.problems.server_error"
