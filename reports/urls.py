"""The addresses of reports, below /reports/."""

from django.urls import path

from reports.pages import cases, digest, listed, people, person, register

urlpatterns = [
    path("", listed.index, name="reports"),
    path("register/", register.register, name="register"),
    path("people/", people.people, name="report-people"),
    path("person/", person.person, name="report-person"),
    path("person/<slug:ending>/", person.file, name="report-person-file"),
    path("cases/", cases.cases, name="report-cases"),
    path("cases/<int:warning_id>/", cases.add, name="report-case"),
    path("digest/", digest.choice, name="digest-choice"),
    path("digest/<str:token>/", digest.stop, name="digest-stop"),
    path("<slug:key>/", listed.report, name="report"),
    path("<slug:key>/<slug:ending>/", listed.file, name="report-file"),
]
