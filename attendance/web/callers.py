"""Who looks at a page, by their session, and which roles a page is for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from attendance.rules.permissions import MAY_TEACH
from attendance.selectors import access
from attendance.web import unsent
from attendance.web.navigation import entries_of
from attendance.web.signed_out import page_with, to_sign_in
from users import credentials
from users.callers import Caller
from users.credentials import caller_of_session
from users.identity import Person, Role
from users.models import User

View = Callable[..., HttpResponseBase]


def caller_of(request: HttpRequest) -> Caller | None:
    """Who has signed in; no query for a caller of the last minutes."""
    attributes: Any = request.__dict__
    if "attn_caller" not in attributes:
        attributes["attn_caller"] = caller_of_session(request.session)
    caller: Caller | None = attributes["attn_caller"]
    return caller


def person_of(request: HttpRequest) -> Person:
    """The person who looks at a page that `signed_in` guards."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return caller.person


def numbers_of(request: HttpRequest) -> tuple[str, ...]:
    """The numbers of all accounts of that person, the one that signed in first."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return caller.numbers


def user_of(request: HttpRequest) -> User:
    """The row of whoever looks at a page that `signed_in` guards; one query."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return credentials.user_of(caller)


def signed_in(*roles: Role) -> Callable[[View], View]:
    """Let these roles in; show other roles whose page it is; ask everybody else to sign in."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            caller = caller_of(request)
            if caller is None:
                return to_sign_in(request)
            if roles and caller.person.role not in roles:
                context = {"person": caller.person, "roles": roles}
                return render(request, "attendance/pages/wrong_role.html", context, status=403)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def running_lessons(view: View) -> View:
    """Let in whoever runs lessons: teachers, staff, and students who assist in a section."""
    guarded_by_role = signed_in(*MAY_TEACH)(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        caller = caller_of(request)
        is_assistant = (
            caller is not None
            and caller.person.role not in MAY_TEACH
            and access.runs_lessons(caller.person)
        )
        return (view if is_assistant else guarded_by_role)(request, *args, **kwargs)

    return guarded


def of_page(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: who has signed in, what waits to be sent, and where this page is."""
    try:
        caller = caller_of(request) if hasattr(request, "session") else None
    except DatabaseError:
        # The page that says so is such a page.
        caller = None
    match = request.resolver_match
    return {
        "person": caller.person if caller else None,
        "rooms": entries_of(caller.person.role, match.view_name if match else "") if caller else (),
        "campus": settings.CAMPUS.name,
        "password_help": settings.PASSWORD_HELP,
        "has_mail": settings.EMAIL_IS_SET_UP,
        "has_notices": caller is not None and caller.has_notices,
        "unsent": unsent.of_page(request, caller.user_id) if caller else None,
        "this_page": page_with(request),
    }
