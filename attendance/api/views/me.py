"""The caller: their person and their own records."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import caller_of
from attendance.api.parsing import PageQuery, query_of
from attendance.api.schema import page_of
from attendance.api.views.lessons import record_data
from attendance.selectors.own import OwnRecord, list_own_records


class MeEndpoint(APIView):
    @extend_schema(responses=responses.MeSerializer)
    def get(self, request: Request) -> Response:
        query_of(request, requests.NoQuerySerializer)
        return Response(responses.MeSerializer(caller_of(request).person).data)


class MyRecordsEndpoint(APIView):
    @extend_schema(parameters=[PageQuery], responses=page_of(responses.OwnRecordSerializer))
    def get(self, request: Request) -> Response:
        part = paging.slice_of(query_of(request, PageQuery), UUID)
        page = list_own_records(caller_of(request).numbers, part)
        return paging.respond(request, page, [_own_data(own) for own in page.items])


def _own_data(own: OwnRecord) -> dict[str, object]:
    return {**record_data(own.record), "lesson": responses.LessonBriefSerializer(own.lesson).data}
