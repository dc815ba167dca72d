"""The addresses of a student's pages."""

from django.urls import path

from attendance.web.pages import student

urlpatterns = [
    path("me/", student.my_attendance, name="my-attendance"),
]
