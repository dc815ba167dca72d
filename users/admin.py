"""Users in the admin.

Staff may add and change people. Only a superuser may change a superuser, give
rights beyond a role, or make somebody staff: otherwise any member of staff could
give themselves every right.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from users import security_admin, security_log
from users.admin_base import ReadOnlyAdmin, acting_user, ask_and_do
from users.admin_forms import MergeForm, PasswordGiven, UnmergeForm, UserChange, UserCreation
from users.models import FormerNumber, PersonMerge, RoleChoices, SecurityKind, User
from users.services import merge_people, unmerge_people

__all__ = ["security_admin"]

admin.site.site_header = "ATTN"
admin.site.site_title = "ATTN"


class MergedFilter(admin.EmptyFieldListFilter):
    """Whether another account stands for this one."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        names = (_("All"), _("not merged"), _("merged"))
        for name, choice in zip(names, super().choices(changelist), strict=True):
            yield {**choice, "display": name}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserChange
    add_form = UserCreation
    change_password_form = PasswordGiven
    list_display = (
        "school_number",
        "full_name",
        "role",
        "email",
        "is_active",
        "root_number",
        "last_login",
    )
    list_filter = ("role", "is_active", "is_superuser", ("merged_into", MergedFilter))
    list_select_related = ("merged_into",)
    search_fields = (
        "school_number__found",
        "full_name__found",
        "email__found",
        # Whoever looks for an old number means the person.
        "merged_accounts__school_number__found",
        "merged_accounts__full_name__found",
        "former_numbers__number__found",
    )
    search_help_text = _("Number, also a former one, name or e-mail; also of merged accounts")
    ordering = ("school_number",)
    readonly_fields = (
        "must_change_password",
        "last_login",
        "created_at",
        "merged_into",
        "merged_numbers",
        "former_school_numbers",
    )
    fieldsets = (
        (None, {"fields": ("school_number", "former_school_numbers")}),
        (_("Password"), {"fields": ("password", "must_change_password")}),
        (_("Person"), {"fields": ("full_name", "role", "email")}),
        (_("Accounts of the same person"), {"fields": ("merged_into", "merged_numbers")}),
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

    @admin.display(description=_("merged into"), ordering="merged_into__school_number")
    def root_number(self, row: User) -> str | None:
        return row.root.school_number if row.is_merged else None

    @admin.display(description=_("accounts merged into it"))
    def merged_numbers(self, row: User) -> str:
        return ", ".join(str(account) for account in row.merged_accounts.all()) or "-"

    @admin.display(description=_("former numbers"))
    def former_school_numbers(self, row: User) -> str:
        return ", ".join(former.number for former in row.former_numbers.all()) or "-"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/merge/", wrap(self.merge), name="users_merge"),
            path("<int:pk>/unmerge/", wrap(self.unmerge), name="users_unmerge"),
        ]
        return own + super().get_urls()

    def merge(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = self._changeable(request, pk)
        form = MergeForm(request.POST or None)

        def act(data: dict[str, Any]) -> str:
            done = merge_people(duplicate=user.school_number, actor=acting_user(request), **data)
            return gettext("%(duplicate)s is merged into %(into)s.") % _names(done)

        title = gettext("Merge %(user)s into another account") % {"user": user}
        return ask_and_do(request, form, act, title=title, about=[user])

    def unmerge(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = self._changeable(request, pk)
        form = UnmergeForm(request.POST or None)

        def act(data: dict[str, Any]) -> str:
            done = unmerge_people(duplicate=user.school_number, actor=acting_user(request), **data)
            return gettext("%(duplicate)s is not merged into %(into)s any more.") % _names(done)

        title = gettext("Take the merge of %(user)s back") % {"user": user}
        return ask_and_do(request, form, act, title=title, about=[user])

    def _changeable(self, request: HttpRequest, pk: int) -> User:
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return user

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name
        form_url: str = "",
    ) -> HttpResponse:
        if id == str(request.user.pk):
            # One's own is changed with the old one, on the page of the account.
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

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

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        # Of whom, nothing says any more.
        security_log.write(SecurityKind.ACCOUNT_ERASED)
        super().delete_model(request, obj)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and not getattr(request.user, "is_superuser", False):
            kwargs["choices"] = [c for c in RoleChoices.choices if c[0] != RoleChoices.STAFF]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(PersonMerge)
class PersonMergeAdmin(ReadOnlyAdmin[PersonMerge]):
    list_display = ("happened_at", "kind", "duplicate", "into", "reason", "actor_name")
    list_filter = ("kind", "happened_at")
    list_select_related = ("duplicate", "into")
    search_fields = (
        "duplicate__school_number__found",
        "duplicate__full_name__found",
        "into__school_number__found",
        "into__full_name__found",
        "actor_name__found",
        "reason__found",
    )
    search_help_text = _("Number or name of either account, actor or reason")
    date_hierarchy = "happened_at"


@admin.register(FormerNumber)
class FormerNumberAdmin(ReadOnlyAdmin[FormerNumber]):
    list_display = ("number", "user", "changed_at")
    list_select_related = ("user",)
    search_fields = ("number__found", "user__school_number__found", "user__full_name__found")
    search_help_text = _("Former number, present number or name")


def _names(done: PersonMerge) -> dict[str, User]:
    """With their names: whoever typed a wrong number sees it."""
    return {"duplicate": done.duplicate, "into": done.into}


def _may_touch(user: Any, other: User | None) -> bool:
    """Staff do not change staff: with a new password they could sign in as each other."""
    return other is None or user.is_superuser or other.role != RoleChoices.STAFF
