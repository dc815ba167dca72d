"""What the check-in is measured against, on the same server: the least and the usual."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from knox.auth import TokenAuthentication
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.models import AttendanceRecord


@csrf_exempt
def bare(request: HttpRequest, lesson_id: UUID) -> HttpResponse:
    """A Django view that does nothing."""
    return HttpResponse(b'{"status": "present"}', content_type="application/json", status=201)


class RecordShape(serializers.ModelSerializer[AttendanceRecord]):
    class Meta:
        model = AttendanceRecord
        fields = ("id", "full_name", "status", "checked_in_at", "source", "revision")


class Insert(APIView):
    """What one would write first: REST framework, a token, and an INSERT."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request, lesson_id: UUID) -> Response:
        now = timezone.now()
        user: Any = request.user
        record = AttendanceRecord.objects.create(
            attendance_id=lesson_id,
            student=user,
            school_number=user.school_number,
            full_name=user.full_name,
            status="present",
            source="student",
            checked_in_at=now,
            revision=2,
            changed_at=now,
        )
        return Response(RecordShape(record).data, status=201)


urlpatterns = [
    path("bench/bare/<uuid:lesson_id>/", bare),
    path("bench/insert/<uuid:lesson_id>/", Insert.as_view()),
    path("", include("attn_project.urls")),
]
