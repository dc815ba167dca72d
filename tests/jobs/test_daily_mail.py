"""The daily mail: what waits, to whom, once a day by the clock of the campus, and its end."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from django.conf import settings as site
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_apscheduler.models import DjangoJobExecution

from attendance import scheduler
from attendance.models import AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from courses.models import Enrolment, Section
from jobs import draining
from jobs.models import Job
from reports import digest
from reports.digest import letters
from reports.digest.choice import choose, is_wanted_by, reader_of, stop_token
from tests.support.absences import ASSISTANT, asked_absence, made_course
from tests.support.absences import TEACHER as COURSE_TEACHER
from tests.support.lessons import TEACHER, student
from tests.support.members import STAFF
from tests.support.sections import ended_section_lesson, enrol, section_of_today, user_of
from tests.support.smtp_server import MailServer, mail_server
from tests.support.waiting import wait_until
from users.identity import Person, Role
from users.models import User
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
SECOND = Person("T-2", "Second Teacher", Role.TEACHER)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    settings.DIGEST_AT = time(0)
    settings.WARNING_READERS = []
    with mail_server(settings) as found:
        yield found


def give_address(person: Person) -> None:
    User.objects.filter(pk=user_of(person).pk).update(
        email=f"{person.school_number.lower()}@school.example"
    )


def waiting_course(teacher: Person = TEACHER, **policy: Any) -> Section:
    """A course whose register was not taken, with a check-in that waits in another lesson."""
    section = section_of_today((1, 2), teachers=(teacher,), policy=policy or None)
    give_address(teacher)
    ended_section_lesson(section, (), teacher=teacher)
    other = ended_section_lesson(section, (1,), teacher=teacher)
    unified_persistence_task()
    AttendanceRecord.objects.filter(
        attendance=other.id, student__school_number=student(1).school_number
    ).update(status="pending")
    return section


def run(at: datetime | None = None) -> None:
    digest.enqueue_daily(at=at or timezone.now())
    draining.drain()


def mails_begun() -> int:
    return Job.objects.filter(kind=letters.send_digest.kind).count()


def read(server: MailServer) -> list[Any]:
    found = sorted(server.letters, key=lambda each: str(each["To"]))
    server.letters.clear()
    return found


def text_of(letter: Any, kind: str = "plain") -> str:
    content: str = letter.get_body(preferencelist=(kind,)).get_content()
    return content.replace("\r\n", "\n")


def test_it_counts_what_waits_and_names_no_student(server: MailServer, settings: Any) -> None:
    section = waiting_course(in_a_row=1)
    run()
    (letter,) = read(server)
    assert letter["To"] == "t-1@school.example"
    assert section.title not in letter["Subject"]
    text, html = (text_of(letter, kind) for kind in ("plain", "html"))
    since = (timezone.localtime(timezone=ZoneInfo(settings.TIME_ZONE)) - 30 * DAY).date()
    for words, path in (
        ("1 register not taken", f"/reports/not-taken/?section={section.pk}&from={since}"),
        ("1 check-in waits for a decision", f"/reports/pending/?section={section.pk}&from={since}"),
        ("1 open warning", f"/reports/cases/?section={section.pk}"),
    ):
        assert f"- {words}\n  https://attn.example.org{path}\n" in text
        assert words in html
        assert path.replace("&", "&amp;") in html
    for said in (letter["Subject"], text, html):
        assert student(1).full_name not in said
        assert student(1).school_number not in said
    (stop,) = [line for line in text.splitlines() if "/reports/digest/" in line]
    assert letter["List-Unsubscribe"].strip() == f"<{stop}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    run()
    run(timezone.now() + timedelta(seconds=1))
    assert read(server) == []
    # A beginning whose process ended before it was settled comes again.
    letters.begin_digests.run(on=str(_day(timezone.now())))
    draining.drain()
    assert read(server) == []


def test_it_is_in_the_language_of_mail(server: MailServer, settings: Any) -> None:
    settings.MAIL_LANGUAGE = "tr"
    waiting_course()
    run()
    (letter,) = read(server)
    assert letter["Subject"] == "Derslerinizde sizi bekleyenler"
    assert "1 yoklama alınmadı" in text_of(letter)


def test_absences_are_of_those_who_decide_them(server: MailServer) -> None:
    course = made_course()
    give_address(COURSE_TEACHER)
    give_address(ASSISTANT)
    asked_absence(course)
    # For all courses: staff decide it.
    asked_absence(course, for_all=True, in_days=2)
    both = asked_absence(course, in_days=3)
    both.sections.add(course.other)
    run()
    (letter,) = read(server)
    assert letter["To"] == "t-1@school.example"
    text = text_of(letter)
    assert "1 absence waits for a decision\nhttps://attn.example.org/absences/\n" in text
    assert course.section.title not in text


def test_nobody_else_gets_one(server: MailServer, settings: Any) -> None:
    section = waiting_course()
    teacher = User.objects.filter(pk=user_of(TEACHER).pk)
    mine = Enrolment.objects.filter(section=section, user=user_of(TEACHER))
    today = section.local_date(timezone.now())
    for reason, rows, values, back in (
        ("no address", teacher, {"email": ""}, {"email": "t-1@school.example"}),
        ("may not sign in", teacher, {"is_active": False}, {"is_active": True}),
        ("taught until today", mine, {"ends_on": today}, {"ends_on": None}),
        ("an assistant", mine, {"role": "assistant"}, {"role": "teacher"}),
        (
            "an archived course",
            Section.objects.filter(pk=section.pk),
            {"archived_at": timezone.now()},
            {"archived_at": None},
        ),
    ):
        rows.update(**values)
        run()
        assert read(server) == [], reason
        assert not mails_begun(), reason
        rows.update(**back)
        Job.objects.all().delete()
    choose(user_of(TEACHER).pk, is_wanted=False)
    run()
    assert read(server) == []
    Job.objects.all().delete()

    settings.EMAIL_IS_SET_UP = False
    choose(user_of(TEACHER).pk, is_wanted=True)
    digest.enqueue_daily(at=timezone.now())
    settings.EMAIL_IS_SET_UP, settings.DIGEST_AT = True, None
    digest.enqueue_daily(at=timezone.now())
    assert not Job.objects.exists()
    settings.DIGEST_AT = time(0)
    run()
    assert len(read(server)) == 1


def test_what_a_person_says_with_one_account_is_true_of_all_of_them(server: MailServer) -> None:
    waiting_course()
    give_address(SECOND)
    one, two = user_of(TEACHER), user_of(SECOND)
    merge_people(
        duplicate=two.school_number,
        into=one.school_number,
        actor=user_of(STAFF),
        reason="typed twice",
    )
    # The link of a mail from before the merge.
    reader = reader_of(stop_token(two.pk))
    assert reader is not None
    choose(reader, is_wanted=False)
    assert is_wanted_by(one) is False
    run()
    assert read(server) == []
    choose(one.pk, is_wanted=True)
    assert is_wanted_by(one) is True
    Job.objects.all().delete()
    run()
    assert len(read(server)) == 1


def test_where_nothing_waits_no_mail_is_sent(server: MailServer) -> None:
    section_of_today((1,))
    give_address(TEACHER)
    run()
    assert read(server) == []
    # It was decided between the beginning of the mails and this one.
    Job.objects.all().delete()
    waiting_course(SECOND)
    digest.enqueue_daily(at=timezone.now())
    draining.run_one()
    AttendanceRecord.objects.update(status="present", source="teacher")
    draining.drain()
    assert read(server) == []
    assert mails_begun() == 1


def test_one_that_could_not_be_sent_by_midnight_is_left(server: MailServer) -> None:
    waiting_course()
    yesterday = timezone.now() - DAY
    run(yesterday)
    assert not mails_begun()
    letters.send_digest.run(user_id=user_of(TEACHER).pk, on=str(_day(yesterday)))
    assert read(server) == []
    run()
    assert len(read(server)) == 1


def _day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(site.TIME_ZONE)).date()


@pytest.mark.parametrize(
    ("zone", "at", "first_day"),
    [
        # 02:30 is skipped on 28 March and comes twice on 31 October.
        ("Europe/Berlin", time(2, 30), date(2027, 3, 26)),
        ("Europe/Berlin", time(2, 30), date(2027, 10, 29)),
        # Midnight itself is skipped.
        ("America/Asuncion", time(0), date(2023, 9, 29)),
        ("Pacific/Chatham", time(2, 50), date(2027, 4, 2)),
        ("Europe/Istanbul", time(7), date(2027, 3, 26)),
    ],
)
def test_each_day_has_one_beginning(
    zone: str, at: time, first_day: date, settings: Any, server: MailServer
) -> None:
    settings.TIME_ZONE, settings.DIGEST_AT = zone, at
    begun: dict[str, datetime] = {}
    moment = datetime.combine(first_day, time(), ZoneInfo(zone)).astimezone(UTC)
    for _ in range(4 * 24 * 4):
        digest.enqueue_daily(at=moment)
        for cause in Job.objects.exclude(once__in=begun).values_list("once", flat=True):
            begun[cause] = moment.astimezone(ZoneInfo(zone))
        moment += timedelta(minutes=15)
    wanted = [(first_day + n * DAY).isoformat() for n in range(4)]
    assert [day for day in sorted(begun) if day in wanted] == wanted
    for day in wanted:
        assert begun[day].date().isoformat() == day
        late = datetime.combine(date(2000, 1, 1), begun[day].time()) - datetime.combine(
            date(2000, 1, 1), at
        )
        # After a time that is skipped, at once: an hour by the wall is no time at all.
        assert timedelta() <= late <= timedelta(minutes=75)
    assert Job.objects.filter(once__in=wanted).count() == 4


def test_as_many_queries_for_fifty_teachers_as_for_one(server: MailServer) -> None:
    section = waiting_course()
    of_one = queries(told=1)
    for n in range(100, 149):
        person = Person(f"T-{n}", f"Teacher {n}", Role.TEACHER)
        enrol(section, person, "teacher")
        give_address(person)
    assert queries(told=50) == of_one


def queries(*, told: int) -> int:
    Job.objects.all().delete()
    with CaptureQueriesContext(connection) as found:
        letters.begin_digests.run(on=str(_day(timezone.now())))
    assert Job.objects.count() == told
    return len(found)


def test_a_clock_that_was_put_back_keeps_the_mail_of_a_day_that_comes_again(
    server: MailServer,
) -> None:
    waiting_course()
    run(at=timezone.now() + DAY)
    assert len(read(server)) == 1


def test_a_running_scheduler_begins_the_mails_of_a_day_once(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting_course()
    monkeypatch.setattr(scheduler, "FIRST_RUN_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP_SECONDS", 0.1)
    every = CronTrigger(second="*", timezone=UTC)
    monkeypatch.setattr(scheduler, "_trigger", lambda minutes, *, jitter: every)
    serving = scheduler._Serving()
    serving.is_wanted = True
    monkeypatch.setattr(scheduler, "_serving", serving)
    serving.start()
    try:
        begun = Job.objects.filter(kind=letters.begin_digests.kind)
        wait_until(begun.exists, "the beginning of the mails", seconds=30)
        runs = DjangoJobExecution.objects.filter(status=DjangoJobExecution.SUCCESS)
        wait_until(lambda: runs.count() >= 2, "a second run", seconds=30)
    finally:
        serving.stop()
    assert begun.count() == 1
    draining.drain()
    assert len(read(server)) == 1
