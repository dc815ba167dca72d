"""Who may do what by their role, and the sign-in of the demo."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from users import proofs
from users.demo_numbers import DEMO_NUMBERS
from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.models import RoleChoices, User

_STAFF_APPS = frozenset({"attendance", "courses", "django_apscheduler", "jobs", "webhooks"})
_STAFF_USER_PERMISSIONS = frozenset(
    {
        *("users.view_user", "users.add_user", "users.change_user"),
        *("users.view_personmerge", "users.view_securityevent"),
    }
)


class AccountBackend(ModelBackend):
    """Number and password; no session goes on for an account that is merged.

    Whether a merged account may begin one, `sign_in` decides: it says why not.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            # As many hashes as for somebody who is known: the time does not say that nobody is.
            user = User()
            user.set_unusable_password()
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.who_may_sign_in().filter(pk=user_id).first()


class CampusBackend(BaseBackend):
    """The door of whoever came with the campus's identity provider: no password opens it."""

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.who_may_sign_in().filter(pk=user_id).first()


class StaffRoleBackend(BaseBackend):
    """Staff may use every page of attendance and courses, and add and change users."""

    def has_perm(self, user_obj: Any, perm: str, obj: object = None) -> bool:
        if not (user_obj.is_active and getattr(user_obj, "role", None) == RoleChoices.STAFF):
            return False
        return perm in _STAFF_USER_PERMISSIONS or perm.partition(".")[0] in _STAFF_APPS

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return self.has_perm(user_obj, f"{app_label}.view") or (
            app_label == "users" and self.has_perm(user_obj, "users.view_user")
        )


class DemoBackend(BaseBackend):
    """Signs the demo's teacher, student and member of staff in with the password of this demo.

    The password is only in the environment of the process: nobody can sign in with
    it once the demo is over.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        demo_password = settings.DEMO_PASSWORD
        if not (demo_password and password and constant_time_compare(password, demo_password)):
            return None
        try:
            # The form by which attempts are counted: another one would be another limit.
            number = canonical_school_number(username or "")
        except InvalidSchoolNumber:
            return None
        if number not in DEMO_NUMBERS:
            return None
        return User.objects.who_may_sign_in().filter(school_number=number).first()

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.who_may_sign_in().filter(pk=user_id).first()
        if user is not None:
            # The hash of a session of the demo stands on the demo's password.
            user.backend = proofs.DEMO_BACKEND
        return user
