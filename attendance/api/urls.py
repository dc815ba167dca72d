"""The addresses of the API, below /api/v1/."""

from django.urls import path

from attendance.api.views import (
    documents,
    lessons,
    me,
    operations,
    receipts,
    records,
    tokens,
    verifications,
)
from attendance.api.views.check_in import check_in_view

app_name = "api"

urlpatterns = [
    path("schema/", documents.Schema.as_view(), name="schema"),
    path("docs/", documents.Documents.as_view(), name="docs"),
    path("auth/tokens/", tokens.Tokens.as_view(), name="tokens"),
    path("auth/tokens/current/", tokens.CurrentToken.as_view(), name="current-token"),
    path("me/", me.Me.as_view(), name="me"),
    path("me/records/", me.MyRecords.as_view(), name="my-records"),
    path("lessons/", lessons.Lessons.as_view(), name="lessons"),
    path("lessons/find/", lessons.FindLessons.as_view(), name="find-lessons"),
    path("lessons/<uuid:lesson_id>/", lessons.Lesson.as_view(), name="lesson"),
    path("lessons/<uuid:lesson_id>/finish/", lessons.Finish.as_view(), name="finish"),
    path("lessons/<uuid:lesson_id>/code/", lessons.Code.as_view(), name="code"),
    path("lessons/<uuid:lesson_id>/persist/", lessons.Persist.as_view(), name="persist"),
    path("lessons/<uuid:lesson_id>/check-in/", check_in_view, name="check-in"),
    path("lessons/<uuid:lesson_id>/scans/", receipts.Scans.as_view(), name="scans"),
    path("lessons/<uuid:lesson_id>/my-record/", records.MyRecord.as_view(), name="my-record"),
    path("lessons/<uuid:lesson_id>/records/", records.Records.as_view(), name="records"),
    path(
        "lessons/<uuid:lesson_id>/records/<str:school_number>/",
        records.Record.as_view(),
        name="record",
    ),
    path("lessons/<uuid:lesson_id>/events/", records.Events.as_view(), name="events"),
    path("lessons/<uuid:lesson_id>/refusals/", records.Refusals.as_view(), name="refusals"),
    path("receipts/", receipts.Receipts.as_view(), name="receipts"),
    path("runs/", operations.Runs.as_view(), name="runs"),
    path("quarantine/", operations.Quarantine.as_view(), name="quarantine"),
    path("quarantine/<int:payload_id>/retry/", operations.Retry.as_view(), name="retry"),
    path("quarantine/<int:payload_id>/discard/", operations.Discard.as_view(), name="discard"),
    path(
        "verifications/<str:verification_id>/",
        verifications.Verifications.as_view(),
        name="verification",
    ),
]
