"""Absences: ask for them, look at them, decide them, and read their evidence."""

from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import absence_shapes as shapes
from attendance.api import paging
from attendance.api.callers import caller_of
from attendance.api.parsing import StrictJSONParser, body_of, query_of, request_id_of
from attendance.api.requests import NoQuerySerializer
from attendance.api.schema import IDEMPOTENCY_KEY, page_of
from attendance.selectors.paging import Page
from attendance.services import reads
from courses.downloads import attachment
from courses.errors import AbsenceReasonNotFound, UserNotFound
from courses.evidence import MEDIA_TYPES
from courses.models import AbsenceReason
from courses.selectors.absence_lists import (
    AbsenceFilter,
    Viewer,
    absences_seen_by,
    filter_absences,
    find_absence,
    find_evidence,
    viewer_of,
    views_of,
    with_details,
)
from courses.services.absence_decisions import decide_absences
from courses.services.absences import (
    AbsencePlan,
    attach_evidence,
    decide_absence,
    request_absence,
    withdraw_absence,
)
from courses.services.evidence import read_sent_files
from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.models import User

MULTIPART = "multipart/form-data"


def _viewer(request: Request) -> Viewer:
    caller = caller_of(request)
    return viewer_of(user_id=caller.user_id, person=caller.person, at=timezone.now())


def _actor(request: Request) -> User:
    return User.objects.get(pk=caller_of(request).user_id)


def _answer(absence_id: int, viewer: Viewer, *, status: int = 200) -> Response:
    view = find_absence(absence_id, viewer)
    return Response(shapes.AbsenceSerializer(view).data, status=status)


class AbsencesEndpoint(APIView):
    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema(
        parameters=[shapes.AbsencesQuerySerializer],
        responses=page_of(shapes.AbsenceSerializer),
        description="Your own; a teacher's students'; for staff, all. The newest request first.",
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, shapes.AbsencesQuerySerializer)
        part, viewer = paging.slice_of(query, int), _viewer(request)
        reads.note_absences(caller_of(request).person)
        wanted = AbsenceFilter(
            state=query.get("state", ""),
            school_number=_number(query.get("school_number", "")),
            section_id=query.get("section"),
            ends_after=query.get("from"),
            starts_before=query.get("to"),
        )
        found = filter_absences(absences_seen_by(viewer), wanted)
        rows = {row.pk: row for row in part.rows(with_details(found), "pk")}
        cut = part.cut(list(rows))
        page = Page(
            views_of((rows[key] for key in cut.keys), viewer), cut.next_key, cut.previous_key
        )
        results = shapes.AbsenceSerializer(page.items, many=True).data
        return paging.respond(request, page, results)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={
            "application/json": shapes.NewAbsenceSerializer,
            MULTIPART: shapes.NewAbsenceFormSerializer,
        },
        responses={201: shapes.AbsenceSerializer},
        description="Students ask for themselves, teachers for the students of their sections, "
        "staff for everybody. Files come with it as a form.",
    )
    def post(self, request: Request) -> Response:
        is_form = (request.content_type or "").startswith(MULTIPART)
        shape = shapes.NewAbsenceFormSerializer if is_form else shapes.NewAbsenceSerializer
        body, actor = body_of(request, shape), _actor(request)
        files = read_sent_files(body.pop("files", []))
        absence = request_absence(
            plan=_plan(body, actor),
            actor=actor,
            evidence=files,
            request_id=request_id_of(request),
        )
        return _answer(absence.pk, _viewer(request), status=201)


def _number(text: str) -> str:
    """A number as it is stored; one that is none finds nobody."""
    try:
        return canonical_school_number(text) if text else ""
    except InvalidSchoolNumber:
        return text


def _plan(body: dict[str, Any], actor: User) -> AbsencePlan:
    number, sections = body.pop("school_number", ""), body.pop("sections", None)
    reason = AbsenceReason.objects.filter(code=body.pop("reason")).first()
    if reason is None:
        raise AbsenceReasonNotFound
    user = User.objects.filter(school_number=_number(number)).first() if number else actor
    if user is None:
        raise UserNotFound
    return AbsencePlan(
        user_id=user.pk,
        reason_id=reason.pk,
        section_ids=frozenset(sections) if sections else None,
        **body,
    )


class AbsenceEndpoint(APIView):
    @extend_schema(responses=shapes.AbsenceSerializer)
    def get(self, request: Request, absence_id: int) -> Response:
        query_of(request, NoQuerySerializer)
        viewer = _viewer(request)
        view = find_absence(absence_id, viewer)
        reads.note_absences(caller_of(request).person, of=view.absence.user_id)
        return Response(shapes.AbsenceSerializer(view).data)


class DecisionEndpoint(APIView):
    @extend_schema(
        request=shapes.DecisionSerializer,
        responses=shapes.AbsenceSerializer,
        description="Approve or refuse what is requested: staff, and teachers of every section "
        "that it names. The same decision again changes nothing.",
    )
    def post(self, request: Request, absence_id: int) -> Response:
        body, viewer = body_of(request, shapes.DecisionSerializer), _viewer(request)
        find_absence(absence_id, viewer)
        decide_absence(absence_id=absence_id, actor=_actor(request), **body)
        return _answer(absence_id, viewer)


class DecisionsEndpoint(APIView):
    @extend_schema(
        request=shapes.DecisionsSerializer,
        responses=page_of(shapes.DecidedSerializer),
        description="Decide up to 100 at once, each for itself: one that cannot be decided says "
        "why and holds up no other.",
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, shapes.DecisionsSerializer)
        done = decide_absences(absence_ids=body.pop("ids"), actor=_actor(request), **body)
        return paging.whole(shapes.DecidedSerializer(done, many=True).data)


class WithdrawEndpoint(APIView):
    @extend_schema(
        request=None,
        responses=shapes.AbsenceSerializer,
        description="Take it back: the person and whoever asked until it begins, staff always.",
    )
    def post(self, request: Request, absence_id: int) -> Response:
        viewer = _viewer(request)
        find_absence(absence_id, viewer)
        withdraw_absence(absence_id=absence_id, actor=_actor(request))
        return _answer(absence_id, viewer)


class EvidenceListEndpoint(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={MULTIPART: shapes.EvidenceFormSerializer},
        responses={201: shapes.EvidenceSerializer},
        description="Add a file. What it is, its first bytes say, whatever its name is.",
    )
    def post(self, request: Request, absence_id: int) -> Response:
        body, viewer = body_of(request, shapes.EvidenceFormSerializer), _viewer(request)
        find_absence(absence_id, viewer)
        (file,) = read_sent_files([body["file"]])
        row = attach_evidence(absence_id=absence_id, file=file, actor=_actor(request))
        return Response(shapes.EvidenceSerializer(row).data, status=201)


class AsItIs(BaseContentNegotiation):
    """A file has the type that it has, whatever a caller would like."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class EvidenceEndpoint(APIView):
    content_negotiation_class = AsItIs

    @extend_schema(
        responses={(200, kind): OpenApiTypes.BINARY for kind in MEDIA_TYPES.values()},
        description="The file, to be saved: the person, whoever asked, staff, and teachers who "
        "may decide it.",
    )
    def get(self, request: Request, absence_id: int, evidence_id: int) -> HttpResponseBase:
        query_of(request, NoQuerySerializer)
        return attachment(find_evidence(absence_id, evidence_id, _viewer(request)))


class AbsenceReasonsEndpoint(APIView):
    @extend_schema(responses=page_of(shapes.AbsenceReasonSerializer))
    def get(self, request: Request) -> Response:
        query_of(request, NoQuerySerializer)
        rows = AbsenceReason.objects.order_by("label", "pk")
        return paging.whole(shapes.AbsenceReasonSerializer(rows, many=True).data)
