"""The rules of a course: as they are, from a preset, with what they would mean, and new ones."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from attendance.http_status import STATUS
from attendance.web import minutes
from attendance.web.callers import signed_in, user_of
from attendance.web.pages.course import course_page, visible_course
from attendance.wording import policies
from courses.errors import CourseError
from courses.forms import PolicyForm, PresetForm, initial_policy
from courses.models import Policy
from courses.selectors.listing import SectionView
from courses.services.policies import PolicyPlan, check_plan, plan_of_policy, set_policy
from courses.services.presets import plan_of
from reports.figures import Standings, standings
from users.wording import in_words

VERSIONS = 50


class Preview(NamedTuple):
    """What some rules would mean today; nothing of it is saved."""

    figures: list[str]
    would: Standings
    now: Standings | None
    """By the rules that hold; None where the course has none yet."""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def rules(request: HttpRequest, section_id: int) -> HttpResponse:
    """The rules in words and as a drawing, their versions, presets, and a form for new ones."""
    view = visible_course(section_id, user_of(request))
    if request.method == "POST":
        return _posted(request, view)
    preset = _preset_form(request.GET if "preset" in request.GET else None)
    if not (_may_change(view) and preset.is_bound and preset.is_valid()):
        return _answer(request, view, preset=preset)
    plan = plan_of(
        preset.cleaned_data["preset"],
        current=plan_of_policy(view.section.policy),
        planned=preset.cleaned_data["planned"],
    )
    form = PolicyForm(label_suffix="", initial=initial_policy(plan))
    try:
        check_plan(plan)
    except CourseError as error:
        preset.add_error("planned", in_words(error))
        return _answer(request, view, preset=preset, form=form)
    return _answer(request, view, preset=preset, form=form, preview=_preview(view, plan))


def _posted(request: HttpRequest, view: SectionView) -> HttpResponse:
    """A preview where that button was pressed, and otherwise a new version."""
    form = PolicyForm(request.POST, label_suffix="", initial=initial_policy(view.section.policy))
    if not form.is_valid():
        return _answer(request, view, form=form, status=400)
    try:
        if "preview" in request.POST and _may_change(view):
            check_plan(form.plan())
            return _answer(request, view, form=form, preview=_preview(view, form.plan()))
        set_policy(section_id=view.section.pk, plan=form.plan(), actor=user_of(request))
    except CourseError as error:
        form.add_error(None, in_words(error))
        return _answer(request, view, form=form, status=STATUS[error.code])
    messages.success(request, _("These rules hold for lessons that start from now on."))
    return redirect("course-rules", section_id=view.section.pk)


def _preset_form(data: QueryDict | None = None) -> PresetForm:
    # The other form has a field of the same name.
    return PresetForm(data, label_suffix="", auto_id="preset_%s")


def _may_change(view: SectionView) -> bool:
    return view.may_set_policy and not view.section.is_archived


def _preview(view: SectionView, plan: PolicyPlan) -> Preview:
    section = view.section
    today = section.local_date(timezone.now())
    return Preview(
        figures=policies.of_figures(plan),
        would=standings(section, plan, on=today),
        now=standings(section, section.policy, on=today) if section.policy else None,
    )


def _answer(
    request: HttpRequest,
    view: SectionView,
    *,
    form: PolicyForm | None = None,
    preset: PresetForm | None = None,
    preview: Preview | None = None,
    status: int = 200,
) -> HttpResponse:
    initial = initial_policy(view.section.policy)
    context = _rules(view) | {
        "form": form or PolicyForm(label_suffix="", initial=initial),
        "preset": preset or _preset_form(),
        "preview": preview,
    }
    return course_page(request, view, "rules", context, status=status)


def _rules(view: SectionView) -> dict[str, Any]:
    rows = view.section.policies.select_related("set_by")[:VERSIONS]
    current = view.section.policy
    shown = current or Policy()
    return {
        "current": current,
        "drawing": minutes.draw(shown),
        "arrivals": policies.of_arrivals(shown),
        "figures": policies.of_figures(current) if current else [],
        "versions": [(row, policies.of_arrivals(row), policies.of_figures(row)) for row in rows],
        "may_change": _may_change(view),
    }
