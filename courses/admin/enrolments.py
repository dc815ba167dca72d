"""Who belongs to which section."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.admin.forms import EndForm
from courses.models import Enrolment
from courses.services.enrolments import end_enrolment
from users.admin_base import ReadOnlyAdmin, acting_user, ask_and_do


class CoversTodayFilter(admin.SimpleListFilter):
    title = gettext_lazy("today")
    parameter_name = "today"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("enrolled today"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
        if self.value() is None:
            return queryset
        covering = Enrolment.objects.on(timezone.localdate())
        return queryset.filter(pk__in=covering.values("pk"))


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin[Enrolment]):
    list_display = ("full_name", "school_number", "section", "role", "begins_on", "ends_on")
    list_filter = ("role", CoversTodayFilter, "is_primary", "section__term", "system")
    search_fields = (
        "user__school_number__found",
        "user__full_name__found",
        "section__title__found",
        "section__code__found",
    )
    search_help_text = gettext_lazy("Number, name or section")
    list_select_related = ("section", "user")
    change_form_template = "admin/courses/enrolment/change_form.html"

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, row: Enrolment) -> str:
        return row.user.full_name

    @admin.display(description=gettext_lazy("number"))
    def school_number(self, row: Enrolment) -> str:
        return row.user.school_number

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.end)
        return [path("<int:pk>/end/", view, name="courses_end_enrolment"), *super().get_urls()]

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        row = get_object_or_404(Enrolment.objects.select_related("section", "user"), pk=pk)

        def act(data: dict[str, Any]) -> str:
            end_enrolment(enrolment_id=pk, actor=acting_user(request), **data)
            return _("The enrolment ends.")

        form = EndForm(request.POST or None, initial={"ends_on": row.ends_on})
        title = _("End %(enrolment)s") % {"enrolment": row}
        return ask_and_do(request, form, act, title=title, about=[row.section, row])
