"""Alarms, for staff: the list, and a word on one."""

from typing import Any
from uuid import UUID

from django.utils import translation
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import StaffOnly, caller_of
from attendance.api.parsing import body_of
from attendance.api.schema import page_of
from attendance.errors import AlarmNotFound
from attendance.selectors import alarms
from attendance.services import alarms as service
from attendance.wording import alarms as wording


class AlarmsEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(responses=page_of(responses.AlarmSerializer))
    def get(self, request: Request) -> Response:
        return paging.whole(responses.AlarmSerializer(_told(), many=True).data)


class AcknowledgeEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(request=requests.AcknowledgeSerializer, responses=responses.AlarmSerializer)
    def post(self, request: Request, code: str) -> Response:
        body = body_of(request, requests.AcknowledgeSerializer)
        subject = body.get("subject", "")
        service.acknowledge(code, subject, actor=caller_of(request).person, reason=body["reason"])
        for told in _told():
            if (told["code"], told["subject"]) == (code, subject):
                return Response(responses.AlarmSerializer(told).data)
        # Its cause has ended since.
        raise AlarmNotFound


class SettleLostEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(request=requests.ReasonSerializer, responses={204: None})
    def post(self, request: Request, lesson_id: UUID) -> Response:
        reason = body_of(request, requests.ReasonSerializer)["reason"]
        service.settle_lost([lesson_id], actor=caller_of(request).person, reason=reason)
        return Response(status=204)


def _told() -> list[dict[str, Any]]:
    with translation.override("en"):
        return [wording.told(alarm) for alarm in alarms.current().alarms]
