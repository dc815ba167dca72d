"""The verdict of an external verifier, which signs instead of signing in."""

from typing import Any

from django.http import JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import problems, requests, responses
from attendance.api.parsing import body_of
from attendance.api.views.lessons import record_data
from attendance.services import verifier
from webhooks.signing import Signature

_HEADERS = [
    OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
]


class VerificationsEndpoint(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=_HEADERS,
        request=requests.VerdictOfVerifierSerializer,
        responses=responses.RecordSerializer,
        description="Signed over id, timestamp and raw body, as Standard Webhooks says.",
    )
    def post(self, request: Request, verification_id: str) -> Response | JsonResponse:
        headers = request.headers
        signature = Signature(
            headers.get("webhook-id", ""),
            headers.get("webhook-timestamp", ""),
            headers.get("webhook-signature", ""),
        )
        verifier.check_signature(signature, request._request.body)
        try:
            body = body_of(request, requests.VerdictOfVerifierSerializer)
            _check_is_of(verification_id, body)
        except (ParseError, ValidationError) as error:
            errors = list(problems.field_errors(error.detail))
            detail = "The verdict cannot be understood: see errors."
            return problems.problem(422, "invalid_verdict", detail, errors=errors)
        record = verifier.apply_verdict(
            verification_id,
            is_accepted=body["verdict"] == "accept",
            reason=body.get("reason", ""),
            message_id=signature.message_id,
        )
        return Response(record_data(record))


def _check_is_of(verification_id: str, body: dict[str, Any]) -> None:
    """A signed verdict that somebody has overheard decides no other check-in."""
    if body["verification_id"] != verification_id:
        detail = "The body names another verification than the address."
        raise ValidationError({"verification_id": [detail]})
