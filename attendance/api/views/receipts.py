"""Endpoints that keep a scan, and that restore a mark from its receipt."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import requests, responses
from attendance.api.callers import caller_of
from attendance.api.parsing import body_of
from attendance.api.views.lessons import record_data
from attendance.services import receipts, scans
from attendance.services.access.addresses import address_of
from attendance.services.access.devices import device_of_request
from users.callers import Caller


class ScansEndpoint(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        request=requests.CodeSerializer,
        responses={201: responses.KeptScanSerializer},
        description="Keep a code for five minutes, while you sign in. It marks nothing, and it "
        "makes one mark: yours, where you have signed in.",
    )
    def post(self, request: Request, lesson_id: UUID) -> Response:
        code = body_of(request, requests.CodeSerializer)["code"]
        user: Any = request.user
        caller = user if isinstance(user, Caller) else None
        user_id = caller.user_id if caller else None
        device = device_of_request(request._request)
        scanner = scans.scanner_of(address_of(request.META), device, user_id)
        scan = scans.keep_scan(lesson_id, code, scanner=scanner, caller=caller)
        return Response(responses.KeptScanSerializer(scan).data, status=201)


class ReceiptsEndpoint(APIView):
    @extend_schema(
        request=requests.ReceiptSerializer,
        responses={
            200: responses.RedeemedSerializer,
            202: responses.WaitingReceiptSerializer,
        },
        description="See that the mark of a receipt is stored; where it is lost, bring it back. "
        "Where nobody knows the lesson, the receipt waits for staff: 202.",
    )
    def post(self, request: Request) -> Response:
        text = body_of(request, requests.ReceiptSerializer)["receipt"]
        number = receipts.open_receipt(text).student.school_number
        result = receipts.redeem(text, caller=caller_of(request).as_owner_of(number))
        lesson = responses.LessonBriefSerializer(result.lesson).data
        told = {"outcome": result.outcome, "lesson": lesson}
        if result.record is None:
            student = responses.PersonShapeSerializer(result.student).data
            return Response({**student, **told}, status=202)
        return Response({**record_data(result.record), **told})
