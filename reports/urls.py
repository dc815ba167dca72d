"""The addresses of reports, below /reports/."""

from django.urls import path, re_path

from reports.pages import listed, people, register

urlpatterns = [
    path("", listed.index, name="reports"),
    path("register/", register.register, name="register"),
    re_path(r"^register/(?P<ending>csv|xlsx)/$", register.file, name="register-file"),
    path("people/", people.people, name="report-people"),
    re_path(r"^people/(?P<ending>csv|xlsx)/$", people.file, name="report-people-file"),
    path("<slug:key>/", listed.report, name="report"),
    re_path(r"^(?P<key>[-\w]+)/(?P<ending>csv|xlsx)/$", listed.file, name="report-file"),
]
