"""Users in the admin.

Staff may add and change people. Only a superuser may change a superuser, give
rights beyond a role, or make somebody staff: otherwise any member of staff could
give themselves every right.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from users.errors import UserError
from users.identity import canonical_school_number
from users.models import RoleChoices, User
from users.wording import in_words

admin.site.site_header = "ATTN"
admin.site.site_title = "ATTN"


class NumberField(forms.CharField):
    """A school number, kept in its canonical form however it is typed."""

    def clean(self, value: Any) -> str:
        try:
            return canonical_school_number(super().clean(value))
        except UserError as error:
            raise forms.ValidationError(in_words(error)) from None


class UserCreation(AdminUserCreationForm[User]):
    school_number = NumberField(label=_("School number"), max_length=64)

    class Meta:
        model = User
        fields = ("school_number", "full_name", "role", "email")


class UserChange(UserChangeForm[User]):
    school_number = NumberField(label=_("School number"), max_length=64)

    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserChange
    add_form = UserCreation
    list_display = ("school_number", "full_name", "role", "email", "is_active", "last_login")
    list_filter = ("role", "is_active", "is_superuser")
    search_fields = ("school_number", "full_name", "email")
    search_help_text = _("Number, name or e-mail address")
    ordering = ("school_number",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("school_number", "password")}),
        (_("Person"), {"fields": ("full_name", "role", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "school_number",
                    "full_name",
                    "role",
                    "email",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if getattr(request.user, "is_superuser", False):
            return self.readonly_fields
        return (*self.readonly_fields, "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return _may_touch(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request.user, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            # Between Django's check and the delete, a lesson was stored that points to this user.
            text = _("A lesson of this person was stored just now: nobody is deleted who has one.")
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:users_user_change", args=[object_id]))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and not getattr(request.user, "is_superuser", False):
            kwargs["choices"] = [c for c in RoleChoices.choices if c[0] != RoleChoices.STAFF]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


def _may_touch(user: Any, other: User | None) -> bool:
    """Staff do not change staff: with a new password they could sign in as each other."""
    return other is None or user.is_superuser or other.role != RoleChoices.STAFF
