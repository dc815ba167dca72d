"""Mail reaches a server on a socket, once for each cause, however the server behaves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from attendance import checks
from attn_project.mail import Mail
from jobs import draining
from jobs.draining import JobOutcome
from jobs.models import Job
from tests.support.job_kinds import send_letter
from tests.support.processes import python
from tests.support.smtp_server import MailServer, Manner, environment_for, mail_server

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "ayse@school.example"


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as found:
        yield found


def make_due() -> None:
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.update(run_after=now)
    Job.objects.exclude(leased_until=None).update(leased_until=now)


def test_a_mail_says_that_a_program_wrote_it(server: MailServer) -> None:
    send_letter.using(once="a").enqueue(to=ADDRESS)
    send_letter.using(once="a").enqueue(to=ADDRESS)
    assert draining.drain()[JobOutcome.DONE] == 1

    (letter,) = server.letters
    assert (letter["To"], letter["From"]) == (ADDRESS, "attn@school.example")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    text = letter.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["Text.", ".", "More."]


@pytest.mark.parametrize(
    ("manner", "outcome", "said"),
    [
        (
            Manner.HANGS,
            JobOutcome.LATER,
            "the mail server does not answer (SMTPServerDisconnected)",
        ),
        (Manner.GREYLISTS, JobOutcome.LATER, "the address is refused for now (451)"),
        (Manner.REFUSES_ADDRESS, JobOutcome.GIVEN_UP, "the address is refused (550)"),
        (Manner.REFUSES_TEXT, JobOutcome.GIVEN_UP, "the text is refused (554)"),
        (Manner.TAKES_AND_DROPS, JobOutcome.DONE, ""),
        (Manner.HANGS_AT_GOODBYE, JobOutcome.DONE, ""),
    ],
)
def test_a_server_that_behaves_badly(
    server: MailServer, manner: Manner, outcome: JobOutcome, said: str
) -> None:
    server.manner = manner
    send_letter.enqueue(to=ADDRESS)

    assert draining.run_one() is outcome
    job = Job.objects.get()
    assert job.last_error == said
    assert len(server.letters) == (manner is Manner.HANGS_AT_GOODBYE)
    if manner is Manner.GREYLISTS:
        make_due()
        assert draining.run_one() is JobOutcome.DONE
        assert len(server.letters) == 1


def test_a_server_that_is_away_is_asked_again(settings: Any) -> None:
    with mail_server(settings) as server:
        pass
    send_letter.enqueue(to=ADDRESS)
    assert draining.run_one() is JobOutcome.LATER
    assert "does not answer (ConnectionRefusedError)" in Job.objects.get().last_error
    assert server.letters == []


def test_a_kill_between_sending_and_settling_sends_once_more(server: MailServer) -> None:
    send_letter.enqueue(to=ADDRESS)
    code = (
        "import os\nfrom jobs import draining\n"
        "draining._write = lambda *_: os._exit(9)\ndraining.drain()"
    )
    with python(code, env=environment_for(server)) as killed:
        assert killed.wait(60) == 9
    assert len(server.letters) == 1
    assert draining.run_one() is None
    make_due()

    assert draining.run_one() is JobOutcome.DONE
    assert draining.run_one() is None
    assert len(server.letters) == 2


def test_the_command_says_what_the_server_answers_or_what_is_missing(
    server: MailServer, settings: Any, capsys: Any
) -> None:
    call_command("send_test_mail", ADDRESS)
    assert "has taken it" in capsys.readouterr().out
    assert server.letters[0]["To"] == ADDRESS

    with pytest.raises(CommandError, match="no e-mail address"):
        call_command("send_test_mail", "ayse")
    server.manner = Manner.REFUSES_ADDRESS
    with pytest.raises(CommandError, match="550"):
        call_command("send_test_mail", ADDRESS)

    settings.EMAIL_IS_SET_UP = False
    settings.MAIL, settings.PUBLIC_URL = Mail(sender="attn@school.example"), ""
    with pytest.raises(CommandError, match=r"needs ATTN_EMAIL_URL, ATTN_PUBLIC_URL\."):
        call_command("send_test_mail", ADDRESS)


def test_the_checks_say_what_is_missing_and_what_is_read_on_the_way(settings: Any) -> None:
    def found(mail: Mail, url: str = "https://attn.example.org") -> list[str | None]:
        settings.MAIL, settings.PUBLIC_URL = mail, url
        return [message.id for message in checks.check_mail(None)]

    smtp = Mail("django.core.mail.backends.smtp.EmailBackend", "mail.example.org", 25)
    whole = smtp._replace(sender="attn@school.example", is_asked_for=True)
    assert found(Mail()) == []
    assert found(whole._replace(use_tls=True)) == []
    assert found(whole._replace(host="localhost")) == []
    assert found(whole) == ["attn.W007"]
    assert found(whole._replace(use_ssl=True), "") == ["attn.E007"]
    assert found(whole._replace(use_ssl=True, sender="")) == ["attn.E007"]
