"""Absences for those who decide: what waits first, many at once, and the files with them."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.http_status import STATUS
from attendance.rules.permissions import MAY_TEACH
from attendance.selectors.paging import Page, Slice
from attendance.services import reads
from attendance.web.absence_forms import RefuseForm
from attendance.web.callers import caller_of, person_of, signed_in
from attendance.wording.absences import AbsenceLine, line_of
from courses.downloads import attachment
from courses.errors import CourseError
from courses.models import Absence
from courses.selectors.absence_lists import (
    Viewer,
    absences_seen_by,
    find_absence,
    find_evidence,
    viewer_of,
    views_of,
    with_details,
)
from courses.services.absence_decisions import DecidedOne, decide_absences
from courses.services.absences import decide_absence, withdraw_absence
from courses.vocabulary import MOST_DECISIONS, AbsenceState
from users.models import User
from users.searching import clean_search
from users.wording import in_words

PER_PAGE = 30
_LONGEST_KEY = 18


def viewer_for(request: HttpRequest) -> Viewer:
    """Who looks at absences on a page that `signed_in` guards."""
    caller = caller_of(request)
    assert caller is not None  # noqa: S101 - the guard has looked
    return viewer_of(user_id=caller.user_id, person=caller.person, at=timezone.now())


def actor_of(request: HttpRequest) -> User:
    """The user who acts, as services want them."""
    return User.objects.get_by_natural_key(person_of(request).school_number)


def part_of(request: HttpRequest, *, prefix: str = "") -> Slice:
    """Which part of a list a page shows; a broken link shows the newest."""
    return Slice(
        before=_key(request, f"{prefix}before"),
        after=_key(request, f"{prefix}after"),
        limit=PER_PAGE,
    )


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    is_key = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_KEY
    return int(text) if is_key else None


def page_of_rows(rows: QuerySet[Absence], part: Slice, viewer: Viewer) -> Page[AbsenceLine]:
    """A part of a list, in words."""
    found = {row.pk: row for row in part.rows(with_details(rows), "pk")}
    cut = part.cut(list(found))
    views = views_of((found[key] for key in cut.keys), viewer)
    return Page([line_of(view) for view in views], cut.next_key, cut.previous_key)


@never_cache
@require_safe
@signed_in(*MAY_TEACH)
def absences(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, and below it what is decided."""
    viewer = viewer_for(request)
    reads.note_absences(person_of(request))
    search = clean_search(request.GET.get("search", ""))
    rows = absences_seen_by(viewer).filter(
        Q(user__full_name__found=search) | Q(user__school_number__found=search)
    )
    waiting = rows.filter(state=AbsenceState.REQUESTED)
    decided = rows.exclude(state=AbsenceState.REQUESTED)
    to_decide = page_of_rows(waiting, part_of(request), viewer)
    context = {
        "to_decide": to_decide,
        "can_decide": sum(line.view.can_decide for line in to_decide.items),
        "decided": page_of_rows(decided, part_of(request, prefix="decided_"), viewer),
        "search": search,
    }
    return render(request, "attendance/pages/absences.html", context)


@require_POST
@signed_in(*MAY_TEACH)
def approve(request: HttpRequest) -> HttpResponse:
    """Approve one, by its own button, or all that are selected."""
    texts = [request.POST.get("one", "")] if "one" in request.POST else request.POST.getlist("ids")
    wanted = [int(text) for text in texts if text.isascii() and text.isdecimal()]
    if not wanted:
        messages.error(request, _("Nothing is selected. Tick some absences first."))
        return redirect("absences")
    done = decide_absences(
        absence_ids=wanted[:MOST_DECISIONS], approve=True, actor=actor_of(request)
    )
    _tell(request, done)
    return redirect("absences")


def _tell(request: HttpRequest, done: list[DecidedOne]) -> None:
    approved = sum(each.error is None for each in done)
    if approved:
        words = ngettext(
            "%(count)d absence is approved.", "%(count)d absences are approved.", approved
        )
        messages.success(request, words % {"count": approved})
    names = dict(
        Absence.objects.filter(pk__in=[each.absence_id for each in done if each.error]).values_list(
            "pk", "user__full_name"
        )
    )
    for each in done:
        if each.error is not None:
            # Whoever may not see an absence gets no name.
            is_hidden = each.error.code == "absence_not_found"
            name = "" if is_hidden else f"{names.get(each.absence_id, '')}: "
            messages.error(request, f"{name}{in_words(each.error)}")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(*MAY_TEACH)
def refuse(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Refuse one, and say why."""
    view, status = find_absence(absence_id, viewer_for(request)), 200
    form = RefuseForm(request.POST or None)
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                decide_absence(
                    absence_id=absence_id,
                    approve=False,
                    actor=actor_of(request),
                    **form.cleaned_data,
                )
                messages.success(request, _("The absence is refused."))
                return redirect("absences")
            except CourseError as error:
                form.add_error(None, in_words(error))
                status = STATUS.get(error.code, 500)
    context = {"line": line_of(view), "form": form}
    return render(request, "attendance/pages/refuse_absence.html", context, status=status)


@require_POST
@signed_in(*MAY_TEACH)
def take_back(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Withdraw an absence in the name of staff: an approval counts no longer."""
    find_absence(absence_id, viewer_for(request))
    withdraw_absence(absence_id=absence_id, actor=actor_of(request))
    messages.success(request, _("The absence is withdrawn."))
    return redirect("absences")


@require_safe
@signed_in()
def evidence(request: HttpRequest, absence_id: int, evidence_id: int) -> HttpResponseBase:
    """A file, to be saved."""
    return attachment(find_evidence(absence_id, evidence_id, viewer_for(request)))
