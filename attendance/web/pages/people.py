"""Staff make accounts: from a file, which is shown first, or one that is typed."""

from io import StringIO
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from attendance.http_status import STATUS
from attendance.selectors import beginnings
from attendance.web.callers import signed_in
from attendance.web.pages.setup import FIELDS
from attendance.web.people_forms import (
    MOST_CHARACTERS,
    PeopleApplyForm,
    PeopleUploadForm,
    PersonForm,
)
from users.account_rows import read_rows
from users.errors import InvalidFullName, InvalidSchoolNumber, SignInBusy, UserError
from users.identity import Role
from users.importing import ImportReport, import_users
from users.models import User
from users.reading.text import as_text, read_bounded
from users.wording import in_words

MOST_PASSWORDS = 100
"""Each hash takes most of a second of a core: with more of them a browser would wait too long."""
SHOWN_ROWS = 50
PAGE = "attendance/pages/people_import.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(Role.STAFF)
def from_file(request: HttpRequest) -> HttpResponse:
    """Choose a file, see what it would do, and apply what was shown.

    The page carries the text from the one step to the other: it may hold passwords, and nothing
    of it is kept here.
    """
    if request.method != "POST":
        return render(request, PAGE, {"form": PeopleUploadForm()})
    applied = PeopleApplyForm(request.POST)
    if applied.is_valid():
        return _apply(request, applied.cleaned_data["text"])
    form = PeopleUploadForm(request.POST, request.FILES)
    try:
        text = _text_of(form) if form.is_valid() else ""
        if not form.errors:
            return _show(request, text)
    except UserError as error:
        form.add_error("file", in_words(error))
    return render(request, PAGE, {"form": form}, status=400)


def _text_of(form: PeopleUploadForm) -> str:
    raw = read_bounded(form.cleaned_data["file"])
    text = as_text(raw, fallback=form.cleaned_data["encoding"]).read()
    if _is_too_much(text):
        form.add_error("file", ValidationError(_too_much_in_words()))
    return text


def _is_too_much(text: str) -> bool:
    return len(text) > MOST_CHARACTERS or _passwords_in(text) > MOST_PASSWORDS


def _too_much_in_words() -> str:
    words = _(
        "This file is too large for the page, or has more than %(most)d passwords. Split it, "
        "or use the command import_users."
    )
    return words % {"most": MOST_PASSWORDS}


def _passwords_in(text: str) -> int:
    return sum(bool(row.password) for row in read_rows(StringIO(text, newline=""))[0])


def _show(request: HttpRequest, text: str) -> HttpResponse:
    report = import_users(StringIO(text, newline=""), dry_run=True)
    context = {"report": report, "text": text, "bad": report.bad[:SHOWN_ROWS]}
    context["more"] = max(len(report.bad) - SHOWN_ROWS, 0)
    context["is_empty"] = not report.created + report.completed + report.updated
    return render(request, PAGE, context | {"form": PeopleUploadForm()})


def _apply(request: HttpRequest, text: str) -> HttpResponse:
    try:
        if _is_too_much(text):
            messages.error(request, _too_much_in_words())
            return redirect("people-import")
        report = import_users(StringIO(text, newline=""))
    except (UserError, SignInBusy) as error:
        messages.error(request, in_words(error))
        return redirect("people-import")
    messages.success(request, _in_words(report))
    return redirect("people-import" if beginnings.look().is_done else "first-steps")


def _in_words(report: ImportReport) -> str:
    made = ngettext("%(n)d account is new.", "%(n)d accounts are new.", report.created)
    changed = report.completed + report.updated
    words = made % {"n": report.created}
    if changed:
        more = ngettext("%(n)d was changed.", "%(n)d were changed.", changed)
        words = f"{words} {more % {'n': changed}}"
    return words


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(Role.STAFF)
def add(request: HttpRequest) -> HttpResponse:
    """One person, as they are typed."""
    form, status = PersonForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        try:
            if form.is_valid():
                user = _make(form.cleaned_data)
                words = _("%(name)s has an account now.") % {"name": user.full_name}
                messages.success(request, words)
                return redirect("people-add")
        except (InvalidSchoolNumber, InvalidFullName, SignInBusy) as error:
            status = STATUS[error.code]
            form.add_error(FIELDS.get(error.code), in_words(error))
        except IntegrityError:
            form.add_error("school_number", _("Somebody has this number, or had it before."))
    return render(request, "attendance/pages/people_add.html", {"form": form}, status=status)


def _make(fields: dict[str, Any]) -> User:
    number, name = fields["school_number"], fields["full_name"]
    with transaction.atomic():
        return User.objects.create_user(
            number, name, fields["password"] or None, role=fields["role"]
        )
