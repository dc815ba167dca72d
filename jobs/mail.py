"""One mail, sent by Django's backend; what the server answers becomes a next try or none.

Everything that is sent says that a program wrote it (Auto-Submitted), so that no holiday notice
answers. Subjects carry no names: servers on the way log them.
"""

import smtplib
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from jobs.errors import JobError, Later, NeverSucceeds

PERMANENT = range(500, 600)


class Letter(NamedTuple):
    to: str
    subject: str
    text: str
    html: str = ""
    unsubscribe: str = ""
    """The address at which a POST ends mail of this kind for its reader, where they may."""


def missing_settings() -> list[str]:
    """What mail needs beside ATTN_EMAIL_URL and has not; links in it begin with the address."""
    needed = {"ATTN_EMAIL_FROM": settings.MAIL.sender, "ATTN_PUBLIC_URL": settings.PUBLIC_URL}
    return [name for name, value in needed.items() if not value]


def send(letter: Letter) -> None:
    """Hand a mail to the server. Raises Later, and NeverSucceeds where its address is refused."""
    try:
        _message(letter).send()
    except smtplib.SMTPRecipientsRefused as error:
        code = max((answer[0] for answer in error.recipients.values()), default=0)
        raise _judged(code, "the address is refused") from None
    except smtplib.SMTPDataError as error:
        raise _judged(error.smtp_code, "the text is refused") from None
    except smtplib.SMTPResponseException as error:
        # Of the sign-in or the sender: whoever runs the site can correct that.
        words = f"the server answers {error.smtp_code} ({type(error).__name__})"
        raise Later(words) from None
    except OSError as error:
        # Also everything else that smtplib raises, and a server that is away or hangs.
        raise Later(f"the mail server does not answer ({type(error).__name__})") from None


def _message(letter: Letter) -> EmailMultiAlternatives:
    headers = {"Auto-Submitted": "auto-generated"}
    if letter.unsubscribe:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        # RFC 8058: a POST there is enough, so that the mail program can offer a button.
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        letter.subject, letter.text, settings.DEFAULT_FROM_EMAIL, [letter.to], headers=headers
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    return message


def _judged(code: int, what: str) -> JobError:
    if code in PERMANENT:
        return NeverSucceeds(f"{what} ({code})")
    return Later(f"{what} for now ({code})")
