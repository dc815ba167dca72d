"""Endpoints of a lesson; the caller need not know which store holds it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import RunsLessons, StaffOnly, caller_of, check_may_see
from attendance.api.parsing import body_of, query_of, request_id_of
from attendance.api.schema import IDEMPOTENCY_KEY, page_of
from attendance.live import codes, store
from attendance.live.payloads import LiveLesson
from attendance.qr import qr_svg
from attendance.rules.permissions import MAY_OPERATE
from attendance.selectors import access
from attendance.selectors.lessons import LessonFilter, find_lesson, list_lessons
from attendance.selectors.screens import find_code
from attendance.selectors.shapes import LessonView, RegisterRecord, brief_of_live
from attendance.services import lessons
from attendance.services.access import limits
from attendance.services.access.addresses import site_of
from attendance.services.lessons import LessonChange, LessonPlan
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.stored_lessons import delete_attendance
from attendance.vocabulary import Trigger


def record_data(record: RegisterRecord) -> dict[str, Any]:
    """A record as the API shows it."""
    return dict(responses.RecordSerializer(record).data)


def visible_lesson(request: Request, lesson_id: UUID) -> LessonView:
    """The lesson, for its teacher and staff. Raises LessonNotFound."""
    lesson = find_lesson(lesson_id)
    check_may_see(caller_of(request), lesson)
    return lesson


class LessonsEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(
        parameters=[requests.LessonsQuerySerializer], responses=page_of(responses.LessonSerializer)
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, requests.LessonsQuerySerializer)
        caller = caller_of(request)
        person = caller.person
        sees_all = person.role in MAY_OPERATE
        criteria = LessonFilter(
            teacher_numbers=() if sees_all else caller.numbers,
            section_ids=None if sees_all else access.sections_ever_run(person),
            state=query.get("state", ""),
            starts_from=query.get("from"),
            starts_to=query.get("to"),
            search=query.get("search", ""),
        )
        page = list_lessons(criteria, paging.slice_of(query, UUID))
        return paging.respond(request, page, responses.LessonSerializer(page.items, many=True).data)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NewLessonSerializer,
        responses={200: responses.LessonSerializer, 201: responses.LessonSerializer},
        description="Start a lesson: 201. Where its section has one at that time, that one is "
        "joined: 200.",
    )
    def post(self, request: Request) -> Response:
        plan = LessonPlan(**body_of(request, requests.NewLessonSerializer))
        started = lessons.start_or_join(
            plan, teacher=caller_of(request).person, request_id=request_id_of(request)
        )
        data = responses.LessonSerializer(find_lesson(started.lesson.id)).data
        return Response(data, status=200 if started.is_joined else 201)


class FindLessonsEndpoint(APIView):
    @extend_schema(
        parameters=[requests.FindQuerySerializer],
        responses=page_of(responses.FoundLessonSerializer),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, requests.FindQuerySerializer)
        code = query.pop("code", "")
        if code:
            short = codes.short_part(codes.clean_code(code))
            own = store.lesson_by_code(short) if short else None
            matches = [own] if own else []
        else:
            matches = store.find_lessons(**query)
        return paging.whole([_joinable_data(lesson) for lesson in matches])


def _joinable_data(lesson: LiveLesson) -> dict[str, Any]:
    data = asdict(brief_of_live(lesson)) | {"checks": lesson.data.checks}
    return dict(responses.FoundLessonSerializer(data).data)


class LessonEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(responses=responses.LessonSerializer)
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        return Response(responses.LessonSerializer(visible_lesson(request, lesson_id)).data)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=requests.LessonChangeSerializer,
        responses=responses.LessonSerializer,
    )
    def patch(self, request: Request, lesson_id: UUID) -> Response:
        body, actor = body_of(request, requests.LessonChangeSerializer), caller_of(request).person
        visible_lesson(request, lesson_id)
        limits.count_change(actor.school_number)
        lessons.change_lesson(
            lesson_id, LessonChange(**body), actor=actor, request_id=request_id_of(request)
        )
        return Response(responses.LessonSerializer(find_lesson(lesson_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, lesson_id: UUID) -> Response:
        reason = body_of(request, requests.ReasonSerializer)["reason"]
        visible_lesson(request, lesson_id)
        delete_attendance(lesson_id, actor=caller_of(request).person, reason=reason)
        return Response(status=204)


class FinishEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=None, responses=responses.LessonSerializer)
    def post(self, request: Request, lesson_id: UUID) -> Response:
        visible_lesson(request, lesson_id)
        lessons.finish_lesson(
            lesson_id, actor=caller_of(request).person, request_id=request_id_of(request)
        )
        return Response(responses.LessonSerializer(find_lesson(lesson_id)).data)


class CodeEndpoint(APIView):
    permission_classes = (RunsLessons,)

    @extend_schema(responses=responses.LessonCodeSerializer)
    def get(self, request: Request, lesson_id: UUID) -> Response:
        query_of(request, requests.NoQuerySerializer)
        visible_lesson(request, lesson_id)
        short_code, code = find_code(lesson_id)
        url = f"{site_of(request)}/c/{short_code}/{code.whole}".upper()
        data = {
            "code": short_code + code.typed,
            "short_code": short_code,
            "url": url,
            "qr_svg": qr_svg(url),
            "changes_at": code.changes_at,
            "valid_until": code.valid_until,
        }
        return Response(
            responses.LessonCodeSerializer(data).data, headers={"Cache-Control": "no-store"}
        )


class PersistEndpoint(APIView):
    permission_classes = (StaffOnly,)

    @extend_schema(request=None, responses=responses.PersistedLessonSerializer)
    def post(self, request: Request, lesson_id: UUID) -> Response:
        find_lesson(lesson_id)
        report = unified_persistence_task(
            lesson_ids=[lesson_id], options=RunOptions(trigger=Trigger.API)
        )
        run = report.as_dict()
        lesson = run["lessons"][0] if run["lessons"] else {"outcome": "failed"} | run["totals"]
        error = lesson.get("error") or report.unavailable
        lesson |= {"lesson_id": lesson_id, "sums_agree": report.sums_agree, "error": error}
        return Response(responses.PersistedLessonSerializer({"is_discarded": False, **lesson}).data)
