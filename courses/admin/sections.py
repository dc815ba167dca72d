"""Sections with their counts and policies, and the days without lessons."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.admin.forms import ClosureForm, EnrolForm, SectionForm, initial_of
from courses.forms import PolicyForm, initial_policy
from courses.models import Closure, Policy, Section
from courses.services.closures import close, reopen
from courses.services.enrolments import EnrolmentPlan, enrol
from courses.services.policies import set_policy
from courses.services.sections import (
    archive_section,
    create_section,
    unarchive_section,
    update_section,
)
from courses.vocabulary import EnrolmentRole
from users.admin_base import ReadOnlyAdmin, acting_user, ask_and_do


class ReopenedFilter(admin.SimpleListFilter):
    title = gettext_lazy("taken back")
    parameter_name = "reopened"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Closure]) -> QuerySet[Closure]:
        if self.value() is None:
            return queryset
        return queryset.filter(reopened_at__isnull=self.value() == "no")


class ArchivedFilter(admin.SimpleListFilter):
    title = gettext_lazy("archived")
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Section]) -> QuerySet[Section]:
        if self.value() is None:
            return queryset
        return queryset.filter(archived_at__isnull=self.value() == "no")


class WithoutTeachersFilter(admin.SimpleListFilter):
    """Sections that run today without a teacher."""

    title = gettext_lazy("teachers")
    parameter_name = "teachers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", _("runs without teachers"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Section]) -> QuerySet[Section]:
        if self.value() is None:
            return queryset
        bare = Section.objects.without_teachers(on=timezone.localdate())
        return queryset.filter(pk__in=bare.values("pk"))


@admin.register(Section)
class SectionAdmin(ReadOnlyAdmin[Section]):
    list_display = (
        "title",
        "code",
        "term",
        "student_total",
        "teacher_total",
        "is_kept",
        "starts_on",
        "ends_on",
    )
    list_filter = (ArchivedFilter, WithoutTeachersFilter, "term", "component", "walk_ins", "system")
    search_fields = ("title__found", "code__found", "course__code__found", "sourced_id__found")
    search_help_text = gettext_lazy("Title, code, course or id of another system")
    date_hierarchy = "starts_on"
    change_list_template = "admin/courses/section/change_list.html"
    change_form_template = "admin/courses/section/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Section]:
        found = Section.objects.with_counts(on=timezone.localdate())
        return found.select_related("term", "system", "course", "parent", "policy__section")

    @admin.display(description=gettext_lazy("students today"))
    def student_total(self, row: Any) -> int:
        return int(row.student_total)

    @admin.display(description=gettext_lazy("teachers today"))
    def teacher_total(self, row: Any) -> int:
        return int(row.teacher_total)

    @admin.display(description=gettext_lazy("kept"), boolean=True)
    def is_kept(self, row: Section) -> bool:
        return not row.is_archived

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("make/", wrap(self.make), name="courses_make_section"),
            path("<int:pk>/update/", wrap(self.update), name="courses_update_section"),
            path("<int:pk>/enrol/", wrap(self.enrol), name="courses_enrol"),
            path("<int:pk>/policy/", wrap(self.policy), name="courses_set_policy"),
            path("<int:pk>/archive/", wrap(self.archive), name="courses_archive_section"),
            path("<int:pk>/unarchive/", wrap(self.unarchive), name="courses_unarchive_section"),
        ]
        return own + super().get_urls()

    def make(self, request: HttpRequest) -> HttpResponse:
        self.require(request)
        form = SectionForm(request.POST or None)

        def act(data: dict[str, Any]) -> str:
            made = create_section(plan=form.plan(), actor=acting_user(request))
            return _("%(section)s was made.") % {"section": made}

        return ask_and_do(request, form, act, title=_("Make a section"), about=[Section])

    def update(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        section = get_object_or_404(Section, pk=pk)
        form = SectionForm(
            request.POST or None, initial=initial_of(section, SectionForm.base_fields)
        )

        def act(data: dict[str, Any]) -> str:
            update_section(section_id=pk, plan=form.plan(), actor=acting_user(request))
            return _("The section is changed.")

        title = _("Change %(section)s") % {"section": section}
        return ask_and_do(request, form, act, title=title, about=[section])

    def enrol(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        section = get_object_or_404(Section, pk=pk)
        form = EnrolForm(request.POST or None, initial={"begins_on": _first_day(section)})

        def act(data: dict[str, Any]) -> str:
            user, role = data.pop("user"), EnrolmentRole(data.pop("role"))
            plan = EnrolmentPlan(section_id=pk, user_id=user.pk, role=role, **data)
            enrol(plan=plan, actor=acting_user(request))
            return _("%(name)s was enrolled.") % {"name": user.full_name}

        title = _("Enrol somebody in %(section)s") % {"section": section}
        return ask_and_do(request, form, act, title=title, about=[section])

    def policy(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        section = get_object_or_404(Section.objects.select_related("policy"), pk=pk)
        form = PolicyForm(request.POST or None, initial=initial_policy(section.policy))

        def act(data: dict[str, Any]) -> str:
            made = set_policy(section_id=pk, plan=form.plan(), actor=acting_user(request))
            return _("Version %(version)d of the rules holds.") % {"version": made.version}

        title = _("Rules of %(section)s") % {"section": section}
        return ask_and_do(request, form, act, title=title, about=[section])

    def archive(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        section = get_object_or_404(Section, pk=pk)

        def act(data: dict[str, Any]) -> str:
            archive_section(section_id=pk, actor=acting_user(request))
            return _("The section is archived.")

        title = _("Archive %(section)s") % {"section": section}
        form = forms.Form(request.POST or None)
        return ask_and_do(request, form, act, title=title, about=[section])

    def unarchive(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        section = get_object_or_404(Section, pk=pk)

        def act(data: dict[str, Any]) -> str:
            unarchive_section(section_id=pk, actor=acting_user(request))
            return _("The section is open again.")

        title = _("Take %(section)s out of the archive") % {"section": section}
        form = forms.Form(request.POST or None)
        return ask_and_do(request, form, act, title=title, about=[section])


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin[Policy]):
    list_display = (
        "section",
        "version",
        "late_after_s",
        "absent_after_s",
        "counted",
        "threshold_permille",
        "set_by",
        "set_at",
    )
    list_filter = ("counted", "set_at")
    search_fields = ("section__title__found", "section__code__found")
    list_select_related = ("section", "set_by")


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin[Closure]):
    list_display = ("title", "section", "starts_on", "ends_on", "is_in_force")
    list_filter = (ReopenedFilter, "starts_on")
    search_fields = ("title__found", "section__title__found", "section__code__found")
    list_select_related = ("section",)
    date_hierarchy = "starts_on"
    change_list_template = "admin/courses/closure/change_list.html"
    change_form_template = "admin/courses/closure/change_form.html"

    @admin.display(description=gettext_lazy("in force"), boolean=True)
    def is_in_force(self, row: Closure) -> bool:
        return row.reopened_at is None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("close/", wrap(self.close), name="courses_close"),
            path("<int:pk>/reopen/", wrap(self.reopen), name="courses_reopen"),
        ]
        return own + super().get_urls()

    def reopen(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        closure = get_object_or_404(Closure, pk=pk)

        def act(data: dict[str, Any]) -> str:
            reopen(closure_id=pk, actor=acting_user(request))
            return _("There are lessons on these days again.")

        form = forms.Form(request.POST or None)
        title = _("Take %(closure)s back") % {"closure": closure}
        return ask_and_do(request, form, act, title=title, about=[closure])

    def close(self, request: HttpRequest) -> HttpResponse:
        self.require(request)

        def act(data: dict[str, Any]) -> str:
            section = data.pop("section")
            made = close(
                section_id=section.pk if section else None, actor=acting_user(request), **data
            )
            return _("%(closure)s was added.") % {"closure": made}

        form = ClosureForm(request.POST or None)
        title = _("Add days without lessons")
        return ask_and_do(request, form, act, title=title, about=[Closure])


def _first_day(section: Section) -> date:
    """Today where the section runs, else its first day."""
    today = timezone.localdate()
    return today if section.starts_on <= today < section.ends_on else section.starts_on
