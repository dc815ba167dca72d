"""Signing in to the admin: through the site's own page, with its limits and its second factor."""

from typing import Any

# These register the pages that are taken away below: without them they would come back later.
import allauth.mfa.admin
import allauth.socialaccount.admin  # noqa: F401 - for what it registers
import knox.admin  # noqa: F401 - for what it registers
from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from users import security_log
from users.admin_base import ReadOnlyAdmin
from users.models import SecurityKind
from users.security_log import Details


def to_own_page(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The password is changed on the page of the account."""
    return redirect("account_change_password")


admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Tokens are made and revoked through the API; the admin could only show digests.
admin.site.unregister(AuthToken)
# A provider comes from the environment, and no account is linked to one.
admin.site.unregister([SocialAccount, SocialApp, SocialToken])

# The form would show the secret of somebody's app. What is left is to remove a factor whose phone
# is lost: that ends every session and token of the person, who sets up a new one.
admin.site.unregister(Authenticator)
# It tries a password without counting: the site's own page counts.
admin.site.password_change = to_own_page  # type: ignore[assignment,method-assign]


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin[Authenticator]):
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__school_number", "user__full_name")
    search_help_text = _("Number or name")
    exclude = ("data",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        _note_removed(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for row in queryset:
            _note_removed(row)
        super().delete_queryset(request, queryset)


def _note_removed(row: Authenticator) -> None:
    details = Details(what=row.type)
    security_log.write(SecurityKind.FACTOR_REMOVED, subject_id=row.user_id, details=details)
