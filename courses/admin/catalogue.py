"""What staff enters by hand: systems, terms, the catalogue and the reasons for absences."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from courses.models import Absence, AbsenceReason, Course, SourceSystem, Term
from courses.services.systems import MANUAL
from users.admin_base import TYPED_TEXTS


@admin.register(SourceSystem)
class SourceSystemAdmin(admin.ModelAdmin[SourceSystem]):
    formfield_overrides = TYPED_TEXTS
    list_display = ("code", "name", "kind")
    list_filter = ("kind",)
    search_fields = ("code__found", "name__found")
    actions = None

    def get_readonly_fields(
        self, request: HttpRequest, obj: SourceSystem | None = None
    ) -> tuple[str, ...]:
        """What is entered by hand finds its system by this code."""
        return ("code", "kind") if obj is not None and obj.code == MANUAL else ()

    def has_delete_permission(self, request: HttpRequest, obj: SourceSystem | None = None) -> bool:
        is_manual = obj is not None and obj.code == MANUAL
        return not is_manual and super().has_delete_permission(request, obj)


class TermForm(forms.ModelForm[Term]):
    def clean(self) -> dict[str, Any] | None:
        """New days leave no section outside."""
        data = super().clean()
        first, end = self.cleaned_data.get("starts_on"), self.cleaned_data.get("ends_on")
        if self.instance.pk and first and end:
            # Held as by whoever makes a section: none slips in between this look and the commit.
            Term.objects.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
            outside = self.instance.sections.filter(Q(starts_on__lt=first) | Q(ends_on__gt=end))
            if outside.exists():
                raise forms.ValidationError(
                    _("A section of this term lies outside of these days. Change it first.")
                )
        return data


@admin.register(Term)
class TermAdmin(admin.ModelAdmin[Term]):
    formfield_overrides = TYPED_TEXTS
    form = TermForm
    list_display = ("title", "starts_on", "ends_on")
    search_fields = ("title__found",)
    date_hierarchy = "starts_on"
    actions = None


@admin.register(Course)
class CourseAdmin(admin.ModelAdmin[Course]):
    formfield_overrides = TYPED_TEXTS
    list_display = ("code", "title")
    search_fields = ("code__found", "title__found")
    actions = None


class AbsenceReasonForm(forms.ModelForm[AbsenceReason]):
    def clean(self) -> dict[str, Any] | None:
        """What absences have counted for does not change afterwards."""
        data = super().clean()
        fixed = {"code", "effect"} & set(self.changed_data)
        if self.instance.pk and fixed and Absence.objects.filter(reason=self.instance.pk).exists():
            raise forms.ValidationError(
                _("Absences have this reason: its code and effect stay. Make another reason.")
            )
        return data


@admin.register(AbsenceReason)
class AbsenceReasonAdmin(admin.ModelAdmin[AbsenceReason]):
    formfield_overrides = TYPED_TEXTS
    form = AbsenceReasonForm
    list_display = ("code", "label", "effect", "needs_evidence", "who_may_ask")
    list_filter = ("effect", "needs_evidence", "who_may_ask")
    search_fields = ("code__found", "label__found")
    actions = None
