"""Mail to the owner of an account: a link to another password, and an invitation to the first one.

The jobs hold the id of the account. The link is made when its mail is sent, so the table of jobs
has nothing that opens an account, and a mail that waits for its server is good for its whole time.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.http import int_to_base36
from django.utils.translation import gettext as _

from jobs import mail
from jobs.mail import Letter
from jobs.tasks import task
from users import security_log
from users.models import LinkKind, SecurityKind, User
from users.security_log import Details
from users.services import inviting
from users.services.choosing import may_reset, reset_tokens

SOON = tuple(timedelta(minutes=n) for n in (1, 5, 15, 30, 60))
"""Whoever has forgotten a password waits for the mail; servers that greylist ask for minutes."""
LATER = (*SOON, timedelta(hours=4), timedelta(hours=12), timedelta(hours=24))


@task(retries=SOON)
def send_reset_link(*, user_id: int | None, language: str) -> None:
    """Mail a link to another password; nothing where nobody was found, or who may not have one."""
    user = User.objects.filter(pk=user_id).first() if user_id is not None else None
    if user is None or not may_reset(user):
        return
    keys = {"uidb36": int_to_base36(user.pk), "key": reset_tokens.make_token(user)}
    path = reverse("account_reset_password_from_key", kwargs=keys)
    _send("reset", user, language, path, {"minutes": settings.PASSWORD_RESET_TIMEOUT // 60})
    said = Details(door="mail", what="reset")
    security_log.write(SecurityKind.LINK_MADE, subject_id=user.pk, details=said)


@task(retries=LATER)
def send_invitation(*, user_id: int, language: str) -> None:
    """Mail a link to a first password, unless there is one by now; a former link ends."""
    if not inviting.without_password().filter(pk=user_id).exclude(email="").exists():
        return
    for link in inviting.make_links([user_id], kind=LinkKind.MAIL):
        path = reverse("join", args=[link.code])
        days = inviting.GOOD_FOR[LinkKind.MAIL].days
        _send("invitation", link.user, language, path, {"days": days})


def _send(name: str, user: User, language: str, path: str, values: dict[str, Any]) -> None:
    context = {
        **values,
        "number": user.school_number,
        "site": settings.PUBLIC_URL,
        "link": f"{settings.PUBLIC_URL}{path}",
    }
    with translation.override(language):
        subjects = {
            "reset": _("Choose a new password for ATTN"),
            "invitation": _("Choose your password for ATTN"),
        }
        context["subject"] = subjects[name]
        text, html = (
            render_to_string(f"attendance/mail/{name}.{kind}", context) for kind in ("txt", "html")
        )
    mail.send(Letter(user.email, subjects[name], text, html))
