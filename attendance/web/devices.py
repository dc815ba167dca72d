"""The cookie of a device: given to visitors where one signs in, and to whoever has signed in."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse

from attendance.services.access import devices
from attendance.services.access.addresses import address_of, shortened
from attendance.services.access.devices import (
    Device,
    device_of_request,
    owner_to_remember,
    remember_owner,
)
from users import origin
from users.models import User
from users.origin import Where

SIGN_IN = "account_login"


def connect() -> None:
    """Listen; called once, when the application is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="attendance.devices")


def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    remember_owner(request, user.pk)


class DeviceCookies:
    """Middleware: gives the cookies, and says where a request came from to whoever asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin.current().find_where = partial(_where, request)
        response = self.get_response(request)
        owner, device = owner_to_remember(request), device_of_request(request)
        if owner is not None:
            _give(response, devices.with_owner(device, owner))
        elif _is_visitor(request) and not device.id:
            _give(response, devices.new_device())
        return response


def _where(request: HttpRequest) -> Where:
    device = devices.digest_of(device_of_request(request))
    return Where(device, shortened(address_of(request.META)))


def _is_visitor(request: HttpRequest) -> bool:
    match = request.resolver_match
    return request.method == "GET" and match is not None and match.view_name == SIGN_IN


def _give(response: HttpResponse, device: Device) -> None:
    response.set_cookie(
        devices.COOKIE,
        devices.cookie_of(device),
        max_age=devices.KEPT_SECONDS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
