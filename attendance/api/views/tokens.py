"""Tokens: sign in, and log out, here or everywhere."""

from django.contrib.auth import logout
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attendance.api import paging, requests, responses
from attendance.api.callers import Leaving, SignedIn, caller_of, check_is_through
from attendance.api.parsing import body_of, query_of
from attendance.api.schema import page_of
from attendance.services.access.addresses import address_of
from attendance.services.access.devices import device_of_request, remember_owner
from attendance.services.access.sign_in import SignIn, prove
from users import tokens
from users.callers import Caller
from users.own_tokens import end_token, tokens_of


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
            check_is_through(caller)
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


class MyTokensEndpoint(APIView):
    @extend_schema(responses=page_of(responses.OwnTokenSerializer))
    def get(self, request: Request) -> Response:
        query_of(request, requests.NoQuerySerializer)
        own = tokens_of(caller_of(request))
        return paging.whole(responses.OwnTokenSerializer(own, many=True).data)


class MyTokenEndpoint(APIView):
    @extend_schema(responses={204: None}, description="End one token of one's own.")
    def delete(self, request: Request, token_id: str) -> Response:
        end_token(caller_of(request).user_id, token_id)
        return Response(status=204)
