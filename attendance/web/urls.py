"""The addresses of the pages; each kind of page has a module of its own."""

from django.urls import include, path

from attendance.web.pages import home

urlpatterns = [
    path("", home.home, name="home"),
    path("", include("attendance.web.urls_teacher")),
    path("", include("attendance.web.urls_student")),
]
