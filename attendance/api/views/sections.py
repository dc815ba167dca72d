"""Sections: one's own, who belongs to them, and their rules."""

import re
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import caller_of
from attendance.api.parsing import PageQuery, body_of, query_of
from attendance.api.schema import page_of
from attendance.selectors.paging import page_of_rows, rising_page
from attendance.selectors.section_lessons import lessons_of_section
from attendance.services.rosters import recomputing
from courses.selectors.listing import (
    SectionFilter,
    people_of,
    sections_seen_by,
    view_section,
    view_sections,
)
from courses.selectors.sections import section_of, section_ruled_by, section_run_by
from courses.services.policies import PolicyPlan, set_policy
from courses.vocabulary import Basis, Counted, ExcusedAs
from users.credentials import user_of
from users.models import User

_CHOICES = {"counted": Counted, "basis": Basis, "excused_as": ExcusedAs}
_PLACE = re.compile(r"[A-Z0-9._-]{1,32} [0-9]{19}", re.ASCII)


def _actor(request: Request) -> User:
    return user_of(caller_of(request))


class SectionsEndpoint(APIView):
    @extend_schema(
        parameters=[requests.SectionsQuerySerializer],
        responses=page_of(responses.SectionSerializer),
        description="The sections to which you belong today; staff see all.",
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, requests.SectionsQuerySerializer)
        user, now = _actor(request), timezone.now()
        criteria = SectionFilter(
            term_id=query.get("term"),
            is_archived=query.get("archived"),
            search=query.get("search", ""),
        )
        rows = sections_seen_by(user=user, at=now, criteria=criteria)
        page = page_of_rows(rows, paging.slice_of(query, int))
        views = view_sections(page.items, user=user, at=now)
        return paging.respond(request, page, responses.SectionSerializer(views, many=True).data)


class SectionEndpoint(APIView):
    @extend_schema(responses=responses.SectionSerializer)
    def get(self, request: Request, section_id: int) -> Response:
        query_of(request, requests.NoQuerySerializer)
        user, now = _actor(request), timezone.now()
        view = view_section(section_of(section_id, user=user, at=now), user=user, at=now)
        return Response(responses.SectionSerializer(view).data)


class RosterEndpoint(APIView):
    @extend_schema(
        parameters=[requests.RosterQuerySerializer],
        responses=page_of(responses.RosterEntrySerializer),
        description="Who belongs to a section on a day, by school number: for those who teach "
        "it, and staff.",
    )
    def get(self, request: Request, section_id: int) -> Response:
        query, now = query_of(request, requests.RosterQuerySerializer), timezone.now()
        section = section_run_by(section_id, user=_actor(request), at=now)
        rows = people_of(section_id=section.pk, on=query.get("on") or section.local_date(now))
        page = rising_page(rows, "place", paging.slice_of(query, _place))
        data = responses.RosterEntrySerializer(page.items, many=True).data
        return paging.respond(request, page, data)


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError(text)
    return text


class SectionLessonsEndpoint(APIView):
    @extend_schema(
        parameters=[PageQuery],
        responses=page_of(responses.LessonSerializer),
        description="The lessons of a section, the newest first: for those who teach it, of the "
        "days on which they do, and staff.",
    )
    def get(self, request: Request, section_id: int) -> Response:
        part, user = paging.slice_of(query_of(request, PageQuery), UUID), _actor(request)
        section = section_run_by(section_id, user=user, at=timezone.now())
        page = lessons_of_section(section, user=user, part=part)
        return paging.respond(request, page, responses.LessonSerializer(page.items, many=True).data)


class RecomputeEndpoint(APIView):
    @extend_schema(
        request=requests.RecomputeSerializer,
        responses=responses.RecomputePlanSerializer,
        description="What the present rule would make of arrivals in lessons of these days, both "
        "included. With the `digest` of that answer it is applied, with an event for each "
        "change; words of people stay. Its teachers and staff.",
    )
    def post(self, request: Request, section_id: int) -> Response:
        body, actor = body_of(request, requests.RecomputeSerializer), _actor(request)
        section = section_ruled_by(section_id, user=actor, at=timezone.now())
        days = {"section": section, "first": body["from"], "last": body["to"]}
        digest = body.get("digest")
        if digest is None:
            plan = recomputing.plan_recompute(**days)
        else:
            plan = recomputing.apply_recompute(**days, digest=digest, actor=actor)
        data = plan._asdict() | {"is_applied": digest is not None}
        return Response(responses.RecomputePlanSerializer(data).data)


class PolicyEndpoint(APIView):
    @extend_schema(
        parameters=[PageQuery],
        responses=page_of(responses.PolicySerializer),
        description="Each version of a section's rules, the one that holds first.",
    )
    def get(self, request: Request, section_id: int) -> Response:
        part = paging.slice_of(query_of(request, PageQuery), int)
        section = section_run_by(section_id, user=_actor(request), at=timezone.now())
        page = page_of_rows(section.policies.select_related("set_by"), part)
        return paging.respond(request, page, responses.PolicySerializer(page.items, many=True).data)

    @extend_schema(
        request=requests.NewPolicySerializer,
        responses=responses.PolicySerializer,
        description="Set the rules for lessons that start from now on: its teachers and staff. "
        "The same rules again make no version.",
    )
    def put(self, request: Request, section_id: int) -> Response:
        body = body_of(request, requests.NewPolicySerializer)
        body |= {name: kind(body[name]) for name, kind in _CHOICES.items() if name in body}
        made = set_policy(section_id=section_id, plan=PolicyPlan(**body), actor=_actor(request))
        return Response(responses.PolicySerializer(made).data)
