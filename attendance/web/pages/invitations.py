"""Staff give people their first password: slips for a class, or mails.

Only people who have none and never signed in are listed: nobody's password changes here. The codes
of slips are in the answer to the POST that made them, and are kept nowhere.
"""

from textwrap import wrap
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.qr import qr_svg
from attendance.selectors import invitable
from attendance.services import ids
from attendance.services.access import inviting_many
from attendance.services.access.addresses import site_of
from attendance.web.callers import signed_in
from courses.models import Section
from users.identity import Role
from users.searching import clean_search
from users.services.inviting import GOOD_FOR, NewLink

GROUP = 4
"""Letters of a code that stand together."""
LONGEST_ID = 18


@never_cache
@require_safe
@signed_in(Role.STAFF)
def people(request: HttpRequest) -> HttpResponse:
    """Who has no password yet: of a course, by a search, or of the whole school."""
    section, search = _section(request), clean_search(request.GET.get("search", ""))
    found = invitable.find_invitable(section=section, search=search, at=timezone.now())
    context = {
        "section": section,
        "search": search,
        "people": found.people,
        "more": found.more,
        "request_id": ids.new_request_id(),
        "days": {kind.value: good.days for kind, good in GOOD_FOR.items()},
    }
    return render(request, "attendance/pages/invite.html", context)


@never_cache
@require_POST
@signed_in(Role.STAFF)
def slips(request: HttpRequest) -> HttpResponse:
    """Make new links for those who are ticked, and show them once, to be printed."""
    made = inviting_many.make_slips(_ticked(request))
    if not made:
        messages.warning(request, _("Nobody is ticked who has no password yet."))
        return redirect(_back(request))
    site = site_of(request)
    context = {
        "slips": [_slip(link, site) for link in made],
        "where": f"{site.partition('://')[2]}{reverse('type-link')}",
        "expires_at": made[0].expires_at,
        "back": _back(request),
    }
    return render(request, "attendance/pages/slips.html", context)


@never_cache
@require_POST
@signed_in(Role.STAFF)
def by_mail(request: HttpRequest) -> HttpResponse:
    """A mail to each who is ticked and has an address."""
    if not settings.EMAIL_IS_SET_UP:
        raise Http404
    ticked = _ticked(request)
    sent = inviting_many.mail_invitations(
        ticked,
        language=get_language() or "en",
        request_id=request.POST.get("request_id", "")[:64] or ids.new_request_id(),
    )
    words = ngettext("%(n)d mail is on its way.", "%(n)d mails are on their way.", sent)
    left_out = len(ticked) - sent
    if left_out:
        more = ngettext(
            "%(n)d person has no e-mail address here, or has a password by now.",
            "%(n)d people have no e-mail address here, or have a password by now.",
            left_out,
        )
        messages.warning(request, more % {"n": left_out})
    messages.add_message(
        request, messages.SUCCESS if sent else messages.WARNING, words % {"n": sent}
    )
    return redirect(_back(request))


def _slip(link: NewLink, site: str) -> dict[str, Any]:
    path = reverse("join", args=[link.code]).rstrip("/")
    # Drawn here, from an address that is ours. Upper case makes larger dots.
    qr: SafeString = mark_safe(qr_svg(f"{site}{path}".upper()))  # noqa: S308
    return {"user": link.user, "qr": qr, "groups": wrap(link.code, GROUP)}


def _ticked(request: HttpRequest) -> list[int]:
    numbers = [each for each in request.POST.getlist("person") if _is_id(each)]
    return sorted({int(each) for each in numbers})[: invitable.MOST]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID


def _section(request: HttpRequest) -> Section | None:
    """The course that the address names. Raises Http404 where there is none."""
    named = request.GET.get("section", "")
    if not named:
        return None
    section = invitable.find_section(int(named)) if _is_id(named) else None
    if section is None:
        raise Http404
    return section


def _back(request: HttpRequest) -> str:
    asked = {name: request.POST.get(name, "") for name in ("section", "search")}
    kept = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('invite')}?{kept}" if kept else reverse("invite")
