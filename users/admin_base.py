"""What the pages of every app in the admin share: read-only rows, and views for services."""

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, NamedTuple, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Field, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from users import security_log
from users.admin_lists import BoundedPaginator, IndexedOrder
from users.errors import AttnError
from users.identity import Person, clean_text
from users.models import User
from users.security_log import Read
from users.wording import in_words

Row = TypeVar("Row", bound=Model)


class CleanText(forms.CharField):
    """A text that people can read, in NFC; `TYPED_TEXTS` gives it to each field of an admin."""

    def to_python(self, value: Any) -> str:
        typed = super().to_python(value) or ""
        clean = clean_text(typed)
        if clean is None or (typed and not clean):
            raise forms.ValidationError(
                _(
                    "This text has characters that cannot be seen, or that turn the line around. "
                    "Type it again."
                ),
                code="invalid_text",
            )
        return clean


TYPED_TEXTS: dict[type[Field[Any, Any]], dict[str, Any]] = {CharField: {"form_class": CleanText}}
"""For `formfield_overrides`."""


class ReadOnlyAdmin(admin.ModelAdmin[Row], Generic[Row]):
    """Rows that are looked at here and written by services only."""

    show_full_result_count = False
    # Beside each filter it would count all rows that pass.
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexedOrder

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def require(self, request: HttpRequest, permission: str = "change") -> Person:
        """Who acts, if they may. Raises PermissionDenied."""
        name = f"{self.opts.app_label}.{permission}_{self.opts.model_name}"
        user = request.user
        if not isinstance(user, User) or not user.has_perm(name):
            raise PermissionDenied
        return user.as_person()


class RowRead(NamedTuple):
    read: Read
    runner_id: int | None = None
    """Whose own lesson it is of: they read nothing of others."""


class NotedReads(ReadOnlyAdmin[Row], Generic[Row]):
    """Rows about people: that somebody has looked is written down, once in an hour for each."""

    def read_of(self, row: Row) -> RowRead:
        """Whose row it is, and of which lesson."""
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        if answer.status_code == HTTPStatus.OK:
            security_log.write_read(f"list of {self.opts.model_name}")
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        answer = super().change_view(request, object_id, form_url, extra_context)
        if answer.status_code == HTTPStatus.OK:
            what = str(self.opts.model_name)
            find = partial(self._find_read, request, object_id)
            security_log.write_read(what, place=object_id, find=find)
        return answer

    def _find_read(self, request: HttpRequest, object_id: str) -> Read | None:
        row = self.get_object(request, object_id)
        if row is None:
            return None
        found = self.read_of(row)
        is_own = found.runner_id is not None and found.runner_id == acting_user(request).pk
        return None if is_own else found.read


def acting_user(request: HttpRequest) -> User:
    """Who acts, as a row. Raises PermissionDenied."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class Place(NamedTuple):
    """A page above this one, as its breadcrumbs call it."""

    title: str
    address: str


About = Model | type[Model] | Place
"""What a form is about: a row, a list of rows, or another page."""


def trail_to(*about: About) -> list[Place]:
    """The pages above a form, by name: app, list, and the rows that it is about."""
    first = about[0]
    if isinstance(first, Place):
        return [first]
    opts = first._meta
    app = reverse("admin:app_list", args=[opts.app_label])
    trail = [Place(capfirst(str(opts.app_config.verbose_name)), app)] if opts.app_config else []
    rows = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    trail.append(Place(capfirst(str(opts.verbose_name_plural)), rows))
    return trail + [_place_of(row) for row in about if isinstance(row, Model)]


def _place_of(row: Model) -> Place:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return Place(str(row), reverse(name, args=[row.pk]))


def ask_and_do(
    request: HttpRequest,
    form: forms.Form,
    act: Callable[[dict[str, Any]], str],
    *,
    title: str,
    about: Sequence[About],
    submit: str = "",
) -> HttpResponse:
    """Show a form; on POST do what it says, show a message and go back to what it is about.

    `submit` is on its button, if that is not *Save*.

    An error of the service is shown on the form, which keeps its values. What has to be looked at
    beside it is in its attribute `shown`.
    """
    trail = trail_to(*about)
    back = trail[-1].address
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, act(form.cleaned_data))
            return redirect(back)
        except AttnError as error:
            form.add_error(None, in_words(error))
    context = {
        **admin.site.each_context(request),
        "title": title,
        "form": form,
        "trail": trail,
        "back": back,
        "submit": submit or _("Save"),
    }
    return TemplateResponse(request, "admin/users/ask.html", context)
