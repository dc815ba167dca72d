"""Who calls, by token or by session; no query for a caller of the last minutes."""

from typing import TYPE_CHECKING, Any, NoReturn

from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from attendance.errors import PasswordChangeNeeded, SecondFactorNeeded
from attendance.rules import permissions
from attendance.selectors import access
from attendance.selectors.shapes import LessonBrief
from attendance.services import reads
from users.callers import Caller
from users.credentials import caller_of_session, caller_of_token
from users.identity import Role

if TYPE_CHECKING:
    # The framework reads this module while it defines its views.
    from rest_framework.views import APIView

SCHEME = "Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def identify(request: HttpRequest) -> Caller | None:
    """Who calls, or None for nobody.

    Raises AuthenticationFailed for a token that is not valid, and
    PermissionDenied for a session without its CSRF token.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        return _of_header(header)
    caller = caller_of_session(request.session)
    if caller is not None and request.method not in _SAFE:
        _check_csrf(request)
    return caller


def _of_header(header: str) -> Caller:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != SCHEME.lower() or not token.strip():
        raise exceptions.AuthenticationFailed(
            "Send the header as: Authorization: Token <token>.", "invalid_header"
        )
    caller = caller_of_token(token.strip())
    if caller is None:
        raise exceptions.AuthenticationFailed(
            "This token is not valid, or not any more. Sign in again.", "invalid_token"
        )
    return caller


def _check_csrf(request: HttpRequest) -> None:
    check = _CsrfCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request)
    # The view itself is exempt, because a token needs no CSRF check.
    reason = check.process_view(request, _never_exempt, (), {})
    if reason:
        raise exceptions.PermissionDenied(f"CSRF: {reason}", "csrf_failed")


def _never_exempt() -> NoReturn:
    raise AssertionError("only looked at, never called")


class CallerAuthentication(BaseAuthentication):
    """REST framework's view of `identify`; `request.user` is a Caller."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        caller = identify(request._request)
        return (caller, None) if caller else None

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class SignedIn(BasePermission):
    """Anybody with a valid credential."""

    roles: frozenset[Role] = frozenset(Role)
    message = "Your role may not do this."
    code = "role_not_allowed"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller: Any = request.user
        if not isinstance(caller, Caller):
            return False
        check_is_through(caller)
        return self.admits(caller)

    def admits(self, caller: Caller) -> bool:
        return caller.person.role in self.roles


class Leaving(SignedIn):
    """Whoever signs out: nobody has to show more than they did to end it."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Caller)


class TeacherOrStaff(SignedIn):
    roles = permissions.MAY_TEACH
    message = "Only teachers and staff may do this."


class RunsLessons(TeacherOrStaff):
    """Teachers, staff, and students who assist in a section."""

    message = "Only those who run lessons may do this."

    def admits(self, caller: Caller) -> bool:
        return access.runs_lessons(caller.person)


class StaffOnly(SignedIn):
    roles = permissions.MAY_OPERATE
    message = "Only staff may do this."


class StudentOnly(SignedIn):
    roles = permissions.MAY_CHECK_IN
    message = "Only students check in. A teacher corrects the register."


def check_is_through(caller: Caller) -> None:
    """Whether nothing is asked of a caller first.

    Raises SecondFactorNeeded where the rights of the role ask for more than was shown, and
    PasswordChangeNeeded where somebody else has set the password.
    """
    if caller.lacks_factor:
        raise SecondFactorNeeded
    if caller.must_change_password:
        raise PasswordChangeNeeded


def caller_of(request: Request) -> Caller:
    """The caller of a request that has passed a permission."""
    caller: Any = request.user
    assert isinstance(caller, Caller)  # noqa: S101 - every permission here has looked
    return caller


def check_may_see(caller: Caller, lesson: LessonBrief) -> None:
    """Who runs a lesson sees it; to others it is not there. Raises LessonNotFound."""
    access.check_may_see(caller.person, lesson)
    reads.note_register(caller.person, lesson)
