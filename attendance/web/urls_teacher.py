"""The addresses of a teacher's pages."""

from django.urls import path

from attendance.web.pages import teacher

urlpatterns = [
    path("lessons/", teacher.lessons, name="lessons"),
]
