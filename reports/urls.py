"""The addresses of reports, below /reports/."""

from django.urls import path, re_path

from reports.pages import cases, listed, people, person, register

urlpatterns = [
    path("", listed.index, name="reports"),
    path("register/", register.register, name="register"),
    path("people/", people.people, name="report-people"),
    path("person/", person.person, name="report-person"),
    re_path(r"^person/(?P<ending>csv|xlsx)/$", person.file, name="report-person-file"),
    path("cases/", cases.cases, name="report-cases"),
    path("cases/<int:warning_id>/", cases.add, name="report-case"),
    path("<slug:key>/", listed.report, name="report"),
    re_path(r"^(?P<key>[-\w]+)/(?P<ending>csv|xlsx)/$", listed.file, name="report-file"),
]
