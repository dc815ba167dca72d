"""Who is expected at a lesson, and whether it was held at all."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import RunsLessons, StaffOnly, caller_of, check_may_see
from attendance.api.parsing import body_of, query_of, request_id_of
from attendance.api.schema import IDEMPOTENCY_KEY, page_of
from attendance.api.views.lessons import record_data, visible_lesson
from attendance.selectors.expected_people import find_expected_people
from attendance.selectors.lessons import find_lesson
from attendance.services.access import limits
from attendance.services.rosters import closing, not_held


class ExpectedEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        responses=page_of(responses.ExpectedPersonSerializer),
        description="Everybody who is expected, with their record or null.",
    )
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        view = find_expected_people(lesson_id)
        check_may_see(caller_of(request), view.lesson)
        return paging.whole(responses.ExpectedPersonSerializer(view.people, many=True).data)


class AddExpectedEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NewExpectedSerializer,
        responses=responses.RecordSerializer,
        description="Say that somebody was expected at a stored lesson, as after a backdated "
        "enrolment. Without a mark, they were absent.",
    )
    def post(self, request: Request, lesson_id: UUID) -> Response:
        body = body_of(request, requests.NewExpectedSerializer)
        limits.count_change(caller_of(request).person.school_number)
        record = closing.add_expected(
            lesson_id,
            body["school_number"],
            actor=caller_of(request).person,
            reason=body["reason"],
            request_id=request_id_of(request),
        )
        return Response(record_data(record))


class CloseRosterEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=responses.ClosedRosterSerializer,
        description="Mark everybody absent who was expected at a stored lesson and has no mark. "
        "Lessons that were stored as usual have that behind them.",
    )
    def post(self, request: Request, lesson_id: UUID) -> Response:
        visible_lesson(request, lesson_id)
        closed = closing.close_roster(
            lesson_id, actor=caller_of(request).person, request_id=request_id_of(request)
        )
        return Response(responses.ClosedRosterSerializer(closed).data)


class NotHeldEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=requests.ReasonSerializer,
        responses=responses.LessonSerializer,
        description="Say that a lesson is not held: before, during or after it.",
    )
    def post(self, request: Request, lesson_id: UUID) -> Response:
        reason = body_of(request, requests.ReasonSerializer)["reason"]
        visible_lesson(request, lesson_id)
        limits.count_change(caller_of(request).person.school_number)
        not_held.say_not_held(
            lesson_id,
            actor=caller_of(request).person,
            reason=reason,
            request_id=request_id_of(request),
        )
        return Response(responses.LessonSerializer(find_lesson(lesson_id)).data)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        responses=responses.LessonSerializer,
        description="Take that back: whoever was missing is absent again.",
    )
    def delete(self, request: Request, lesson_id: UUID) -> Response:
        visible_lesson(request, lesson_id)
        limits.count_change(caller_of(request).person.school_number)
        not_held.say_held(
            lesson_id, actor=caller_of(request).person, request_id=request_id_of(request)
        )
        return Response(responses.LessonSerializer(find_lesson(lesson_id)).data)
