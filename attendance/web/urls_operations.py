"""The addresses of staff's operations, under the admin's."""

from django.urls import path

from attendance.web.pages import operations

urlpatterns = [
    path("", operations.operations, name="operations"),
    path("figures/", operations.figures, name="operations-figures"),
    path("persist/", operations.persist, name="operations-persist"),
]
