"""Runs of the task and its quarantine, for staff."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import StaffOnly, caller_of
from attendance.api.parsing import PageQuery, body_of, query_of
from attendance.api.schema import page_of
from attendance.errors import PayloadNotFound
from attendance.models import PersistenceRun, QuarantinedPayload
from attendance.selectors.paging import page_of_rows
from attendance.services import quarantine


class RunsEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(parameters=[PageQuery], responses=page_of(responses.RunSerializer))
    def get(self, request: Request) -> Response:
        part = paging.slice_of(query_of(request, PageQuery), int)
        page = page_of_rows(PersistenceRun.objects.all(), part)
        return paging.respond(request, page, responses.RunSerializer(page.items, many=True).data)


class QuarantineEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(
        parameters=[requests.QuarantineQuerySerializer],
        responses=page_of(responses.PayloadSerializer),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, requests.QuarantineQuerySerializer)
        rows = QuarantinedPayload.objects.all()
        if "state" in query:
            rows = rows.filter(state=query["state"])
        page = page_of_rows(rows, paging.slice_of(query, int))
        return paging.respond(
            request, page, responses.PayloadSerializer(page.items, many=True).data
        )


class RetryEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(request=None, responses=responses.PayloadSerializer)
    def post(self, request: Request, payload_id: int) -> Response:
        _payload(payload_id)
        quarantine.retry_payload(payload_id, actor=caller_of(request).person)
        return Response(responses.PayloadSerializer(_payload(payload_id)).data)


class DiscardEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(request=requests.ReasonSerializer, responses=responses.PayloadSerializer)
    def post(self, request: Request, payload_id: int) -> Response:
        reason = body_of(request, requests.ReasonSerializer)["reason"]
        _payload(payload_id)
        quarantine.discard_payload(payload_id, actor=caller_of(request).person, reason=reason)
        return Response(responses.PayloadSerializer(_payload(payload_id)).data)


def _payload(payload_id: int) -> QuarantinedPayload:
    row = QuarantinedPayload.objects.filter(pk=payload_id).first()
    if row is None:
        raise PayloadNotFound
    return row
