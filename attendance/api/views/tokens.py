"""Tokens: sign in, and log out, here or everywhere."""

from django.contrib.auth import logout
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import requests, responses
from attendance.api.callers import Leaving, SignedIn, caller_of, check_factor
from attendance.api.parsing import body_of
from attendance.services.addresses import address_of
from attendance.services.devices import device_of_request, remember_owner
from attendance.services.sign_in import SignIn, prove
from users import tokens
from users.credentials import Caller


class TokensEndpoint(APIView):
    def get_permissions(self) -> list[SignedIn]:
        # Signing in needs no credential yet.
        return [AllowAny()] if self.request.method == "POST" else [Leaving()]

    @extend_schema(
        request=requests.SignInSerializer,
        responses={201: responses.TokenSerializer},
        description=(
            "A token for number and password, with `code` where the account has a second factor; "
            "or, with a session, for its owner: the token has shown what the session has."
        ),
    )
    def post(self, request: Request) -> Response:
        # A token cannot make another token: a stolen one could renew itself for ever.
        if _has_session(request) and request.data == {}:
            caller = caller_of(request)
            check_factor(caller)
            user_id, proof = caller.user_id, caller.proof
        else:
            body = body_of(request, requests.SignInSerializer)
            device = device_of_request(request._request)
            attempt = SignIn(**body, address=address_of(request.META), device=device, door="api")
            user, proof = prove(attempt, request=request._request)
            user_id = user.pk
            remember_owner(request._request, user_id)
        token = tokens.issue_token(user_id, proof=proof)
        return Response(
            responses.TokenSerializer(token).data, status=201, headers={"Cache-Control": "no-store"}
        )

    @extend_schema(responses={204: None}, description="Log out everywhere: tokens and sessions.")
    def delete(self, request: Request) -> Response:
        tokens.revoke_everywhere(caller_of(request).user_id)
        return Response(status=204)


def _has_session(request: Request) -> bool:
    return isinstance(request.user, Caller) and not request.user.token_digest


class CurrentTokenEndpoint(APIView):
    permission_classes = (Leaving,)

    @extend_schema(responses={204: None}, description="Log out here.")
    def delete(self, request: Request) -> Response:
        caller = caller_of(request)
        if caller.token_digest:
            tokens.revoke_token(caller.token_digest)
        else:
            logout(request._request)
        return Response(status=204)
