"""Scans that are kept, and receipts that bring a mark back."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import asking, shapes
from attendance.api.callers import caller_of
from attendance.api.reading import body_of
from attendance.api.views.lessons import record_data
from attendance.errors import CodeWrong, TooManyAttempts
from attendance.live import throttle
from attendance.services import receipts, scans
from attendance.services.addresses import address_of

WRONG_SCANS = throttle.Limit("scan", 120, 60)
"""Wrong codes from one address: a hall that mistypes now and then stays far below it."""


class Scans(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        request=asking.Code,
        responses={201: shapes.KeptScan},
        description="Keep a code for five minutes, while you sign in. It marks nothing.",
    )
    def post(self, request: Request, lesson_id: UUID) -> Response:
        code = body_of(request, asking.Code)["code"]
        try:
            kept = scans.keep_scan(lesson_id, code)
        except CodeWrong:
            _count_wrong(address_of(request.META))
            raise
        return Response(shapes.KeptScan(kept).data, status=201)


def _count_wrong(address: str) -> None:
    """Whoever guesses waits; a right code is never held up."""
    try:
        wait = throttle.wait_seconds(WRONG_SCANS, of=address)
    except throttle.Unavailable:
        return
    if wait:
        raise TooManyAttempts(retry_after=wait)


class Receipts(APIView):
    @extend_schema(
        request=asking.Receipt,
        responses=shapes.Redeemed,
        description="See that the mark of a receipt is stored; where it is lost, bring it back.",
    )
    def post(self, request: Request) -> Response:
        text = body_of(request, asking.Receipt)["receipt"]
        done = receipts.redeem(text, caller=caller_of(request).person)
        lesson = shapes.LessonBrief(done.lesson._asdict()).data
        return Response({**record_data(done.record), "outcome": done.outcome, "lesson": lesson})
