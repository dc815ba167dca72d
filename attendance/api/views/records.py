"""The register of a lesson, its events and its refusals, before and after persistence alike."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import RunsLessons, caller_of, check_may_see
from attendance.api.parsing import (
    body_of,
    expected_revision,
    known_revision,
    query_of,
    request_id_of,
)
from attendance.api.schema import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, page_of
from attendance.api.views.lessons import record_data
from attendance.errors import RecordNotFound
from attendance.rules.effective import effective
from attendance.rules.verdicts import VERDICT_OF
from attendance.selectors import registers
from attendance.selectors.shapes import RegisterRecord
from attendance.services.access import limits
from attendance.services.added_names import check_new_record
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Status, Verdict
from users.errors import gettext_noop as _
from users.identity import Person


class RecordsEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        parameters=[requests.RecordsQuerySerializer, IF_NONE_MATCH],
        responses={200: page_of(responses.RecordSerializer), 304: None},
    )
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query = query_of(request, requests.RecordsQuerySerializer)
        register = registers.find_register(lesson_id, known_revision=known_revision(request))
        check_may_see(caller_of(request), register.lesson)
        headers = {"ETag": f'"{register.revision}"', "Cache-Control": "private, no-cache"}
        if register.is_unchanged:
            return Response(status=304, headers=headers)
        records = [r for r in register.records if query["include_deleted"] or not r.is_deleted]
        return paging.whole(responses.RecordSerializer(records, many=True).data, headers=headers)


class RecordEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        parameters=[IF_MATCH, IDEMPOTENCY_KEY],
        request=requests.NewRecordSerializer,
        responses={200: responses.RecordSerializer, 201: responses.RecordSerializer},
        description="Add a student by number and full name, or correct the one who is there. Where "
        "the number is that of somebody with another name, `name_differs` says whose it is.",
    )
    def put(self, request: Request, lesson_id: UUID, school_number: str) -> Response:
        body = body_of(request, requests.NewRecordSerializer)
        before = registers.find_record(lesson_id, school_number)
        if before is None:
            person = Person(school_number, body["full_name"])
            check_new_record(lesson_id, person, actor=caller_of(request).person)
        verdict = Verdict(VERDICT_OF[body.pop("status")])
        record = _correct(request, lesson_id, school_number, verdict, body)
        return _answer(record, status=200 if before else 201)

    @extend_schema(
        parameters=[IF_MATCH, IDEMPOTENCY_KEY],
        request=requests.RecordChangeSerializer,
        responses=responses.RecordSerializer,
        description="Accept, reject, mark late or absent, excuse, or undo. Only accepting and "
        "undoing need no reason. With `arrived_at` the rule of the lesson gives the status. A word "
        "of lower rank than the one that stands is kept in the history, and changes nothing.",
    )
    def patch(self, request: Request, lesson_id: UUID, school_number: str) -> Response:
        body = body_of(request, requests.RecordChangeSerializer)
        is_undo = body.pop("undo", False)
        status = body.pop("status", Status.PRESENT)
        verdict = Verdict.UNDO if is_undo else Verdict(VERDICT_OF[status])
        return _answer(_correct(request, lesson_id, school_number, verdict, body))

    @extend_schema(parameters=[IF_MATCH, IDEMPOTENCY_KEY], responses={204: None})
    def delete(self, request: Request, lesson_id: UUID, school_number: str) -> Response:
        body = body_of(request, requests.ReasonSerializer)
        _correct(request, lesson_id, school_number, Verdict.DELETE, body)
        return Response(status=204)


def _correct(
    request: Request, lesson_id: UUID, school_number: str, verdict: Verdict, body: dict[str, Any]
) -> RegisterRecord:
    limits.count_change(caller_of(request).person.school_number)
    return correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=school_number,
            verdict=verdict,
            actor=caller_of(request).person,
            request_id=request_id_of(request),
            expected_revision=expected_revision(request),
            **body,
        )
    )


def _answer(record: RegisterRecord, *, status: int = 200) -> Response:
    headers = {"ETag": f'"{record.revision}"'}
    return Response(record_data(record), status=status, headers=headers)


class MyRecordEndpoint(APIView):
    @extend_schema(responses=responses.RecordSerializer)
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        numbers = caller_of(request).numbers
        found = [registers.find_record(lesson_id, number) for number in numbers]
        records = [record for record in found if record is not None]
        if not records:
            raise RecordNotFound(_("You have no record in this lesson. Check in while it is open."))
        return _answer(effective(records))


class EventsEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(responses=page_of(responses.EventSerializer))
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        view = registers.find_events(lesson_id)
        check_may_see(caller_of(request), view.lesson)
        return paging.whole(responses.EventSerializer(view.events, many=True).data)


class RefusalsEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        responses=page_of(responses.RefusedCheckInSerializer),
        description="Who was refused, why and how often. PUT a record to accept one of them.",
    )
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        view = registers.find_refusals(lesson_id)
        check_may_see(caller_of(request), view.lesson)
        return paging.whole(responses.RefusedCheckInSerializer(view.refusals, many=True).data)
