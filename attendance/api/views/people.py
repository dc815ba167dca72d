"""Two accounts of one person: merge them, and take that back."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import requests, responses
from attendance.api.callers import StaffOnly, caller_of
from attendance.api.parsing import body_of
from users.models import User
from users.services import merge_people, unmerge_people


class MergeEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(
        request=requests.MergeSerializer,
        responses=responses.PersonMergeSerializer,
        description="Let the account `into` stand for this one, with which nobody signs in any "
        "more. The same again changes nothing and gives the same answer.",
    )
    def post(self, request: Request, school_number: str) -> Response:
        body = body_of(request, requests.MergeSerializer)
        written = merge_people(duplicate=school_number, actor=_actor(request), **body)
        return Response(responses.PersonMergeSerializer(written).data)


class UnmergeEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(
        request=requests.ReasonSerializer,
        responses=responses.PersonMergeSerializer,
        description="Let a merged account stand for itself again. The same again changes nothing "
        "and gives the same answer.",
    )
    def post(self, request: Request, school_number: str) -> Response:
        body = body_of(request, requests.ReasonSerializer)
        written = unmerge_people(duplicate=school_number, actor=_actor(request), **body)
        return Response(responses.PersonMergeSerializer(written).data)


def _actor(request: Request) -> User:
    return User.objects.get(pk=caller_of(request).user_id)
