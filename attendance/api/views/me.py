"""Who am I, and where have I been."""

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


class Me(APIView):
    @extend_schema(responses=responses.Me)
    def get(self, request: Request) -> Response:
        query_of(request, requests.NoQuery)
        return Response(responses.Me(caller_of(request).person).data)


class MyRecords(APIView):
    @extend_schema(parameters=[PageQuery], responses=page_of(responses.OwnRecord))
    def get(self, request: Request) -> Response:
        part = paging.slice_of(query_of(request, PageQuery), UUID)
        page = list_own_records(caller_of(request).person.school_number, part)
        return paging.respond(request, page, [_own(each) for each in page.items])


def _own(each: OwnRecord) -> dict[str, object]:
    return {**record_data(each.record), "lesson": responses.LessonBrief(each.lesson).data}
