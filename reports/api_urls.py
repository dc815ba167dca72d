"""The addresses of reports in the API, below /api/v1/."""

from django.urls import path

from reports import api

app_name = "reports-api"

urlpatterns = [
    path("reports/", api.ReportsEndpoint.as_view(), name="reports"),
    path("reports/<slug:key>/", api.ReportEndpoint.as_view(), name="report"),
    path("reports/<slug:key>/csv/", api.ReportCsvEndpoint.as_view(), name="report-csv"),
]
