"""Absences and their evidence, and the decision about them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.admin.forms import AbsenceForm, DecisionForm, EvidenceForm
from courses.downloads import attachment
from courses.models import Absence, AbsenceEvidence
from courses.services.absences import (
    attach_evidence,
    decide_absence,
    request_absence,
    withdraw_absence,
)
from courses.services.evidence import read_sent_files
from users.admin_base import NotedReads, RowRead, acting_user, ask_and_do
from users.security_log import Read


@admin.register(Absence)
class AbsenceAdmin(NotedReads[Absence]):
    list_display = (
        "user",
        "reason",
        "starts_at",
        "ends_at",
        "is_for_all_sections",
        "state",
        "decided_by",
    )
    list_filter = ("state", "reason", "starts_at")
    search_fields = ("user__school_number__found", "user__full_name__found", "note__found")
    search_help_text = gettext_lazy("Number, name or note")
    list_select_related = ("user", "reason", "decided_by")
    date_hierarchy = "starts_at"
    change_list_template = "admin/courses/absence/change_list.html"
    change_form_template = "admin/courses/absence/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("ask/", wrap(self.ask), name="courses_ask_absence"),
            path("<int:pk>/attach/", wrap(self.attach), name="courses_attach_evidence"),
            path("<int:pk>/decide/", wrap(self.decide), name="courses_decide_absence"),
            path("<int:pk>/withdraw/", wrap(self.withdraw), name="courses_withdraw_absence"),
        ]
        return own + super().get_urls()

    def read_of(self, row: Absence) -> RowRead:
        return RowRead(Read(row.user_id))

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Ask in the name of somebody who cannot."""
        self.require(request)
        form = AbsenceForm(request.POST or None, request.FILES or None)

        def act(data: dict[str, Any]) -> str:
            sent = [data["file"]] if data["file"] else []
            made = request_absence(
                plan=form.plan(), actor=acting_user(request), evidence=read_sent_files(sent)
            )
            return _("%(absence)s was asked for.") % {"absence": made}

        return ask_and_do(request, form, act, title=_("Ask for an absence"), about=[Absence])

    def attach(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        absence = get_object_or_404(Absence.objects.select_related("user", "reason"), pk=pk)
        form = EvidenceForm(request.POST or None, request.FILES or None)

        def act(data: dict[str, Any]) -> str:
            (file,) = read_sent_files([data["file"]])
            attach_evidence(absence_id=pk, file=file, actor=acting_user(request))
            return _("The file was added.")

        title = _("Add a file to %(absence)s") % {"absence": absence}
        return ask_and_do(request, form, act, title=title, about=[absence])

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        absence = get_object_or_404(Absence.objects.select_related("user", "reason"), pk=pk)

        def act(data: dict[str, Any]) -> str:
            approve = data["decision"] == "approve"
            done = decide_absence(
                absence_id=pk, approve=approve, actor=acting_user(request), why=data["why"]
            )
            return _("The absence is %(state)s.") % {"state": done.get_state_display()}

        title = _("Decide %(absence)s") % {"absence": absence}
        form = DecisionForm(request.POST or None)
        return ask_and_do(request, form, act, title=title, about=[absence])

    def withdraw(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.require(request)
        absence = get_object_or_404(Absence.objects.select_related("user", "reason"), pk=pk)

        def act(data: dict[str, Any]) -> str:
            withdraw_absence(absence_id=pk, actor=acting_user(request))
            return _("The absence is withdrawn.")

        title = _("Withdraw %(absence)s") % {"absence": absence}
        form = forms.Form(request.POST or None)
        return ask_and_do(request, form, act, title=title, about=[absence])


@admin.register(AbsenceEvidence)
class AbsenceEvidenceAdmin(NotedReads[AbsenceEvidence]):
    list_display = (
        "name",
        "absence",
        "kind",
        "size",
        "added_by",
        "added_at",
        "kept_until",
        "removed_at",
    )
    list_filter = ("kind", "added_at")
    search_fields = (
        "name__found",
        "absence__user__school_number__found",
        "absence__user__full_name__found",
    )
    list_select_related = ("absence__user", "absence__reason", "added_by")
    # The link of a file field would lead to where nothing is served.
    exclude = ("file",)
    change_form_template = "admin/courses/absenceevidence/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.read)
        return [path("<int:pk>/read/", view, name="courses_read_evidence"), *super().get_urls()]

    def read_of(self, row: AbsenceEvidence) -> RowRead:
        return RowRead(Read(row.absence.user_id))

    def read(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The file, always to be saved: a browser must not run what a stranger sent."""
        self.require(request, "view")
        return attachment(get_object_or_404(AbsenceEvidence, pk=pk))
