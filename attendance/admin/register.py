"""Attendances, their records and their events."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.forms import AddStudentForm, ReasonForm, VerdictForm
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord, RefusedCheckIn
from attendance.services.access import limits
from attendance.services.added_names import check_new_record
from attendance.services.corrections import Correction, correct_record
from attendance.services.ids import new_request_id
from attendance.services.request_keys import request_id_of_form
from attendance.services.stored_lessons import delete_attendance, restore_attendance
from attendance.vocabulary import Status, Verdict
from users.admin_base import NotedReads, RowRead, ask_and_do
from users.admin_lists import IndexedOrder, PeriodFilter, SearchedAmongNewest, SearchedByPerson
from users.errors import AttnError
from users.identity import Person, canonical_school_number
from users.models import FormerNumber, User
from users.security_log import Read
from users.selectors import account_ids

COUNTS = ("record_total", "present_total")


class DeletedFilter(admin.SimpleListFilter):
    title = gettext_lazy("flagged as deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() == "no")


class CountedList(IndexedOrder):
    """Counts the records of the page's rows: counts in the query are made for skipped rows too."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        found = Attendance.objects.filter(pk__in=[row.pk for row in rows]).with_counts()
        counts = {pk: (n, here) for pk, n, here in found.values_list("pk", *COUNTS).order_by()}
        for row in rows:
            row.record_total, row.present_total = counts.get(row.pk, (0, 0))
        self.result_list = rows


@admin.register(Attendance)
class AttendanceAdmin(SearchedAmongNewest, NotedReads[Attendance]):
    list_display = (
        "lesson_name",
        "teacher_name",
        "starts_at",
        "ends_at",
        "present_total",
        "record_total",
        "is_kept",
    )
    list_filter = ("starts_at", PeriodFilter, DeletedFilter)
    sortable_by = ("starts_at",)
    search_fields = ("lesson_name__found", "teacher_name__found", "teacher__school_number__found")
    search_help_text = gettext_lazy(
        "Lesson, teacher's name or number, in the newest 20,000 of these; or a whole id"
    )
    change_form_template = "admin/attendance/attendance/change_form.html"
    list_select_related = ("teacher",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attendance]:
        return Attendance.objects.select_related("teacher", "deleted_by")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedList

    def read_of(self, row: Attendance) -> RowRead:
        return RowRead(Read(lesson=str(row.pk)), row.teacher_id)

    @admin.display(description=gettext_lazy("records"))
    def record_total(self, row: Any) -> int:
        return int(row.record_total)

    @admin.display(description=gettext_lazy("here"))
    def present_total(self, row: Any) -> int:
        return int(row.present_total)

    @admin.display(description=gettext_lazy("kept"), boolean=True)
    def is_kept(self, row: Attendance) -> bool:
        return not row.is_deleted

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/add-student/", wrap(self.add_student), name="attendance_add_student"),
            path("<uuid:pk>/flag/", wrap(self.flag), name="attendance_flag"),
            path("<uuid:pk>/restore/", wrap(self.restore), name="attendance_restore"),
        ]
        return own + super().get_urls()

    def add_student(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        actor = self.require(request)
        attendance = get_object_or_404(Attendance, pk=pk)
        form = AddStudentForm(request.POST or None, initial={"request_id": new_request_id()})

        def act(data: dict[str, Any]) -> str:
            limits.count_change(actor.school_number)
            verdict = Verdict(data.pop("verdict"))
            data["request_id"] = _request_id(request, actor)
            check_new_record(pk, Person(data["school_number"], data["full_name"]), actor=actor)
            # Revision 0: a student who has a record already is corrected on its page, not here.
            correct_record(
                Correction(lesson_id=pk, verdict=verdict, actor=actor, expected_revision=0, **data)
            )
            return _("%(name)s was added.") % {"name": data["full_name"]}

        title = _("Add a student to %(lesson)s") % {"lesson": attendance}
        return ask_and_do(request, form, act, title=title, about=[attendance])

    def flag(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        actor = self.require(request)
        attendance = get_object_or_404(Attendance, pk=pk)

        def act(data: dict[str, Any]) -> str:
            delete_attendance(pk, actor=actor, reason=data["reason"])
            return _("The attendance is flagged as deleted.")

        form = ReasonForm(request.POST or None)
        title = _("Flag %(lesson)s as deleted") % {"lesson": attendance}
        return ask_and_do(request, form, act, title=title, about=[attendance])

    def restore(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        actor = self.require(request)
        attendance = get_object_or_404(Attendance, pk=pk)

        def act(data: dict[str, Any]) -> str:
            restore_attendance(pk, actor=actor, reason=data["reason"])
            return _("The attendance is restored.")

        form = ReasonForm(request.POST or None)
        title = _("Restore %(lesson)s") % {"lesson": attendance}
        return ask_and_do(request, form, act, title=title, about=[attendance])


@admin.register(AttendanceRecord)
class AttendanceRecordAdmin(SearchedByPerson, NotedReads[AttendanceRecord]):
    list_display = (
        "full_name",
        "school_number",
        "attendance",
        "status",
        "checked_in_at",
        "source",
        "reason",
        "is_kept",
    )
    list_filter = ("status", "source", DeletedFilter)
    # An order by anything else would sort millions of rows; so below.
    sortable_by = ()
    grows_by = "attendance_id"
    filters_of_newest = ("status__exact", "source__exact")
    list_select_related = ("attendance", "student")
    change_form_template = "admin/attendance/attendancerecord/change_form.html"
    ordering = ("-attendance_id", "full_name")

    def is_of_newest(self, request: HttpRequest) -> bool:
        has_index = request.GET.get("status__exact") in {Status.PENDING, Status.REJECTED}
        return not has_index and super().is_of_newest(request)

    @admin.display(description=gettext_lazy("number"))
    def school_number(self, row: AttendanceRecord) -> str:
        return row.student.school_number

    @admin.display(description=gettext_lazy("kept"), boolean=True)
    def is_kept(self, row: AttendanceRecord) -> bool:
        return not row.is_deleted

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttendanceRecord]:
        return super().get_queryset(request).select_related("attendance", "student", "deleted_by")

    def read_of(self, row: AttendanceRecord) -> RowRead:
        return _of_student(row.student_id, row.attendance)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.correct)
        return [path("<int:pk>/correct/", view, name="attendance_correct"), *super().get_urls()]

    def correct(self, request: HttpRequest, pk: int) -> HttpResponse:
        actor = self.require(request)
        row = get_object_or_404(
            AttendanceRecord.objects.select_related("student", "attendance"), pk=pk
        )
        initial = {"revision": row.revision, "request_id": new_request_id()}
        form = VerdictForm(request.POST or None, initial=initial)

        def act(data: dict[str, Any]) -> str:
            limits.count_change(actor.school_number)
            record = correct_record(
                Correction(
                    lesson_id=row.attendance_id,
                    school_number=row.student.school_number,
                    verdict=Verdict(data["verdict"]),
                    actor=actor,
                    reason=data["reason"],
                    request_id=_request_id(request, actor),
                    expected_revision=data["revision"],
                )
            )
            return _("%(name)s is %(status)s now.") % {
                "name": record.full_name,
                "status": _("deleted") if record.is_deleted else record.status,
            }

        title = _("Correct %(record)s") % {"record": row}
        return ask_and_do(request, form, act, title=title, about=[row.attendance, row])


@admin.register(AttendanceEvent)
class AttendanceEventAdmin(SearchedByPerson, NotedReads[AttendanceEvent]):
    list_display = (
        "happened_at",
        "kind",
        "attendance",
        "student",
        "actor_name",
        "source",
        "old",
        "new",
        "reason",
    )
    list_filter = ("kind", "source", "happened_at")
    filters_of_newest = ("kind__exact", "source__exact")
    sortable_by = ()
    list_select_related = ("attendance", "student", "actor")
    ordering = ("-id",)

    def read_of(self, row: AttendanceEvent) -> RowRead:
        return _of_student(row.student_id, row.attendance)


@admin.register(RefusedCheckIn)
class RefusedCheckInAdmin(SearchedByPerson, NotedReads[RefusedCheckIn]):
    list_display = ("last_at", "full_name", "school_number", "attendance", "code", "times")
    list_filter = ("code", "last_at")
    filters_of_newest = ("code__exact",)
    search_fields = ("full_name__found", "school_number__found")
    sortable_by = ()
    list_select_related = ("attendance",)
    ordering = ("-id",)

    def rows_of(
        self, queryset: QuerySet[RefusedCheckIn], accounts: list[int], search_term: str
    ) -> QuerySet[RefusedCheckIn]:
        """Also of a number that is nobody's: whoever has it was refused for that."""
        known = User.objects.filter(pk__in=accounts).values("school_number")
        had = FormerNumber.objects.filter(user__in=accounts).values("number")
        is_asked = Q(school_number__in=known) | Q(school_number__in=had)
        with suppress(AttnError):
            is_asked |= Q(school_number=canonical_school_number(search_term))
        return queryset.filter(is_asked)

    def read_of(self, row: RefusedCheckIn) -> RowRead:
        return _of_student(account_ids([row.school_number]).get(row.school_number), row.attendance)


def _of_student(student_id: int | None, attendance: Attendance) -> RowRead:
    return RowRead(Read(student_id, str(attendance.pk)), attendance.teacher_id)


def _request_id(request: HttpRequest, actor: Person) -> str:
    """Of a form that is sent twice it is one, and after Back and a change another."""
    sent = request.POST
    content = [(name, value) for name, value in sent.lists() if name != "csrfmiddlewaretoken"]
    return request_id_of_form(
        sent.get("request_id", ""), actor=actor, place=request.path, content=content
    )
