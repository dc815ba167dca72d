"""manage.py send_test_mail: whether mail leaves this site, and what the server answers."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from jobs import mail
from jobs.errors import JobError
from jobs.mail import Letter
from users.management.examples import WithExamples


class Command(WithExamples, BaseCommand):
    help = (
        "Send one mail at once, and say whether the server has taken it. Exit status: 0 taken, "
        "1 not set up, no address, or not taken."
    )
    examples = ("./attn manage send_test_mail somebody@school.example",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="where the mail goes")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMAIL_IS_SET_UP:
            url = [] if settings.MAIL.is_asked_for else ["ATTN_EMAIL_URL"]
            raise CommandError(f"Mail needs {', '.join([*url, *mail.missing_settings()])}.")
        try:
            validate_email(options["address"])
            mail.send(_letter(options["address"]))
        except ValidationError:
            raise CommandError("This is no e-mail address.") from None
        except JobError as error:
            raise CommandError(f"Not sent: {error}.") from None
        self.stdout.write("The mail server has taken it. Look whether it arrives.")


def _letter(address: str) -> Letter:
    return Letter(
        address,
        "A mail from ATTN to try",
        f"{settings.PUBLIC_URL} can send mail.\n",
    )
