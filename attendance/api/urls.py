"""The addresses of the API, below /api/v1/."""

from django.urls import path

from attendance.api.views import (
    absences,
    alarms,
    documents,
    lessons,
    me,
    operations,
    people,
    receipts,
    records,
    rosters,
    sections,
    tokens,
    verifications,
)
from attendance.api.views.check_in import check_in_view

app_name = "api"

urlpatterns = [
    path("schema/", documents.SchemaEndpoint.as_view(), name="schema"),
    path("docs/", documents.DocumentsEndpoint.as_view(), name="docs"),
    path("auth/tokens/", tokens.TokensEndpoint.as_view(), name="tokens"),
    path("auth/tokens/current/", tokens.CurrentTokenEndpoint.as_view(), name="current-token"),
    path("me/", me.MeEndpoint.as_view(), name="me"),
    path("me/tokens/", tokens.MyTokensEndpoint.as_view(), name="my-tokens"),
    path("me/tokens/<str:token_id>/", tokens.MyTokenEndpoint.as_view(), name="my-token"),
    path("me/records/", me.MyRecordsEndpoint.as_view(), name="my-records"),
    path("absence-reasons/", absences.AbsenceReasonsEndpoint.as_view(), name="absence-reasons"),
    path("absences/", absences.AbsencesEndpoint.as_view(), name="absences"),
    path("absences/decisions/", absences.DecisionsEndpoint.as_view(), name="absence-decisions"),
    path("absences/<int:absence_id>/", absences.AbsenceEndpoint.as_view(), name="absence"),
    path(
        "absences/<int:absence_id>/decision/",
        absences.DecisionEndpoint.as_view(),
        name="absence-decision",
    ),
    path(
        "absences/<int:absence_id>/withdraw/",
        absences.WithdrawEndpoint.as_view(),
        name="absence-withdraw",
    ),
    path(
        "absences/<int:absence_id>/evidence/",
        absences.EvidenceListEndpoint.as_view(),
        name="absence-evidence",
    ),
    path(
        "absences/<int:absence_id>/evidence/<int:evidence_id>/",
        absences.EvidenceEndpoint.as_view(),
        name="absence-evidence-file",
    ),
    path("lessons/", lessons.LessonsEndpoint.as_view(), name="lessons"),
    path("lessons/find/", lessons.FindLessonsEndpoint.as_view(), name="find-lessons"),
    path("lessons/<uuid:lesson_id>/", lessons.LessonEndpoint.as_view(), name="lesson"),
    path("lessons/<uuid:lesson_id>/finish/", lessons.FinishEndpoint.as_view(), name="finish"),
    path("lessons/<uuid:lesson_id>/code/", lessons.CodeEndpoint.as_view(), name="code"),
    path("lessons/<uuid:lesson_id>/persist/", lessons.PersistEndpoint.as_view(), name="persist"),
    path("lessons/<uuid:lesson_id>/check-in/", check_in_view, name="check-in"),
    path("lessons/<uuid:lesson_id>/scans/", receipts.ScansEndpoint.as_view(), name="scans"),
    path(
        "lessons/<uuid:lesson_id>/my-record/", records.MyRecordEndpoint.as_view(), name="my-record"
    ),
    path("lessons/<uuid:lesson_id>/records/", records.RecordsEndpoint.as_view(), name="records"),
    path(
        "lessons/<uuid:lesson_id>/records/<str:school_number>/",
        records.RecordEndpoint.as_view(),
        name="record",
    ),
    path("lessons/<uuid:lesson_id>/roster/", rosters.ExpectedEndpoint.as_view(), name="roster"),
    path(
        "lessons/<uuid:lesson_id>/roster/add/",
        rosters.AddExpectedEndpoint.as_view(),
        name="add-expected",
    ),
    path(
        "lessons/<uuid:lesson_id>/roster/close/",
        rosters.CloseRosterEndpoint.as_view(),
        name="close-roster",
    ),
    path("lessons/<uuid:lesson_id>/not-held/", rosters.NotHeldEndpoint.as_view(), name="not-held"),
    path("lessons/<uuid:lesson_id>/events/", records.EventsEndpoint.as_view(), name="events"),
    path("lessons/<uuid:lesson_id>/refusals/", records.RefusalsEndpoint.as_view(), name="refusals"),
    path("receipts/", receipts.ReceiptsEndpoint.as_view(), name="receipts"),
    path("people/<str:school_number>/merge/", people.MergeEndpoint.as_view(), name="merge"),
    path("people/<str:school_number>/unmerge/", people.UnmergeEndpoint.as_view(), name="unmerge"),
    path("sections/", sections.SectionsEndpoint.as_view(), name="sections"),
    path("sections/<int:section_id>/", sections.SectionEndpoint.as_view(), name="section"),
    path(
        "sections/<int:section_id>/roster/",
        sections.RosterEndpoint.as_view(),
        name="section-roster",
    ),
    path(
        "sections/<int:section_id>/lessons/",
        sections.SectionLessonsEndpoint.as_view(),
        name="section-lessons",
    ),
    path(
        "sections/<int:section_id>/recompute/",
        sections.RecomputeEndpoint.as_view(),
        name="recompute",
    ),
    path("sections/<int:section_id>/policy/", sections.PolicyEndpoint.as_view(), name="policy"),
    path("alarms/", alarms.AlarmsEndpoint.as_view(), name="alarms"),
    path(
        "alarms/<str:code>/acknowledge/",
        alarms.AcknowledgeEndpoint.as_view(),
        name="alarm-acknowledge",
    ),
    path(
        "lessons/<uuid:lesson_id>/settle-lost/",
        alarms.SettleLostEndpoint.as_view(),
        name="settle-lost",
    ),
    path("runs/", operations.RunsEndpoint.as_view(), name="runs"),
    path("quarantine/", operations.QuarantineEndpoint.as_view(), name="quarantine"),
    path("quarantine/<int:payload_id>/retry/", operations.RetryEndpoint.as_view(), name="retry"),
    path(
        "quarantine/<int:payload_id>/discard/", operations.DiscardEndpoint.as_view(), name="discard"
    ),
    path(
        "verifications/<str:verification_id>/",
        verifications.VerificationsEndpoint.as_view(),
        name="verification",
    ),
]
