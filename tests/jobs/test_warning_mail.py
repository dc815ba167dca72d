"""A warning is mailed once it has settled; its end goes to exactly those who were warned."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from courses.models import Section
from courses.services.enrolments import EnrolmentPlan, end_enrolment
from courses.services.enrolments import enrol as enrol_by_service
from courses.vocabulary import EnrolmentRole
from jobs import draining
from jobs.models import Job
from reports import totals
from reports.models import FigureWarning, WarningLetter
from tests.support.lessons import TEACHER, student
from tests.support.people import merge, staff
from tests.support.sections import (
    ended_section_lesson,
    enrol,
    local,
    section_of_today,
    user_of,
)
from tests.support.smtp_server import MailServer, mail_server
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as found:
        settings.EMAIL_IS_SET_UP = True
        settings.PUBLIC_URL = "https://attn.school.example"
        yield found


class Warned:
    """A lesson to which student 2 did not come, by rules that warn of one."""

    def __init__(self, **rules: Any) -> None:
        self.section: Section = section_of_today((1, 2), policy={"in_a_row": 1} | rules)
        for person, address in ((TEACHER, "teacher"), (student(1), "one"), (student(2), "two")):
            User.objects.filter(pk=user_of(person).pk).update(email=f"{address}@school.example")
        self.lesson = ended_section_lesson(self.section, (1,))
        unified_persistence_task()

    def say(self, verdict: Verdict) -> None:
        correct_record(
            Correction(
                lesson_id=self.lesson.id,
                school_number=student(2).school_number,
                full_name=student(2).full_name,
                verdict=verdict,
                actor=TEACHER,
                reason="seen",
            )
        )


def settle() -> None:
    """The settling time is over, and whatever is due is done."""
    Job.objects.filter(settled_at=None).update(run_after=timezone.now() - timedelta(seconds=1))
    draining.drain()


def read(server: MailServer) -> list[tuple[str, str]]:
    found = sorted((str(each["To"]), str(each["Subject"])) for each in server.letters)
    server.letters.clear()
    return found


def test_its_end_goes_to_those_who_were_warned(server: MailServer) -> None:
    scene = Warned()
    draining.drain()
    assert read(server) == []
    settle()
    texts = [each.get_content() for each in server.letters]
    assert sum(student(2).full_name in text for text in texts) == 1
    assert all(student(1).full_name not in text for text in texts)
    warned = read(server)
    assert warned == [
        (f"{each}@school.example", "A warning about attendance") for each in ("teacher", "two")
    ]

    # Whoever teaches from now on was not warned, and is told nothing of its end.
    enrol(scene.section, Person("T-9", "Later Teacher", Role.TEACHER), "teacher")
    User.objects.filter(school_number="T-9").update(email="later@school.example")
    scene.say(Verdict.ACCEPT)
    settle()
    day = timezone.localdate().strftime("%Y-%m-")
    assert all(each.get_content().count(day) == 2 for each in server.letters)
    assert read(server) == [(to, f"{subject} was retracted") for to, subject in warned]
    settle()
    assert read(server) == []


def test_a_quick_correction_mails_nothing(server: MailServer) -> None:
    scene = Warned()
    scene.say(Verdict.ACCEPT)
    settle()
    assert read(server) == []
    assert not WarningLetter.objects.exists()
    scene.say(Verdict.ABSENT)
    scene.say(Verdict.LATE)
    scene.say(Verdict.ABSENT)
    settle()
    assert len(read(server)) == 2
    assert FigureWarning.objects.filter(retracted_at=None).count() == 1


def test_a_letter_that_failed_is_not_followed_by_a_retraction(server: MailServer) -> None:
    scene = Warned()
    Job.objects.filter(settled_at=None).update(run_after=timezone.now())
    # The letters begin, and are not sent yet.
    draining.run_one()
    assert WarningLetter.objects.filter(sent_at=None).count() == 2
    scene.say(Verdict.ACCEPT)
    settle()
    assert read(server) == []


def test_readers_are_those_that_the_site_names(server: MailServer, settings: Any) -> None:
    settings.WARNING_READERS = ["teachers"]
    Warned()
    settle()
    assert [to for to, _ in read(server)] == ["teacher@school.example"]


def test_days_without_are_warned_of_by_the_clock() -> None:
    section = section_of_today((1, 2), policy={"days_without": 5})
    lesson = ended_section_lesson(section, (1,))
    unified_persistence_task()
    now = timezone.now()
    rows = FigureWarning.objects.filter(kind="days_without", retracted_at=None)
    totals.judge_by_the_clock(at=now)
    assert list(rows.values_list("user", flat=True)) == [user_of(student(2)).pk]
    # Counted from the first day of the term, of whoever never came.
    assert rows.get().figures == {"days": 30, "last_on": None}

    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(2).school_number,
            full_name=student(2).full_name,
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            reason="seen",
        )
    )
    assert not rows.exists()
    assert totals.judge_by_the_clock(at=now) == 0
    assert totals.judge_by_the_clock(at=now + timedelta(days=5)) == 2
    assert set(rows.values_list("raised_because", flat=True)) == {"clock"}


def enrolment_of(scene: Warned) -> int:
    return int(scene.section.enrolments.get(user=user_of(student(2))).pk)


def test_whoever_leaves_a_section_is_warned_of_nothing_there(server: MailServer) -> None:
    scene, actor = Warned(warn_permille=800), staff()
    settle()
    warned = read(server)
    assert len(warned) == 4

    today = local(timezone.now()).date()
    end_enrolment(enrolment_id=enrolment_of(scene), ends_on=today, actor=actor)
    settle()

    rows = FigureWarning.objects.all()
    assert set(rows.values_list("retracted_because", flat=True)) == {"roster"}
    assert read(server) == [(to, f"{subject} was retracted") for to, subject in warned]

    # A mark of theirs that changes afterwards is no reason to warn.
    scene.say(Verdict.ACCEPT)
    scene.say(Verdict.ABSENT)
    assert not rows.filter(retracted_at=None).exists()

    plan = EnrolmentPlan(
        section_id=scene.section.pk,
        user_id=user_of(student(2)).pk,
        role=EnrolmentRole.STUDENT,
        begins_on=today,
    )
    enrol_by_service(plan=plan, actor=actor)
    again = rows.filter(retracted_at=None)
    assert set(again.values_list("kind", "raised_because")) == {
        ("share", "roster"),
        ("in_a_row", "roster"),
    }


def test_an_end_that_lies_ahead_retracts_when_its_day_has_come() -> None:
    scene, now = Warned(), timezone.now()
    ends_on = local(now).date() + timedelta(days=3)
    end_enrolment(enrolment_id=enrolment_of(scene), ends_on=ends_on, actor=staff())
    rows = FigureWarning.objects.filter(retracted_at=None)
    assert totals.judge_by_the_clock(at=now + timedelta(days=2)) == 0
    assert rows.count() == 1

    assert totals.judge_by_the_clock(at=now + timedelta(days=3)) == 1
    assert not rows.exists()


def test_the_end_of_a_section_retracts_nothing() -> None:
    scene, now = Warned(), timezone.now()
    end_enrolment(enrolment_id=enrolment_of(scene), ends_on=scene.section.ends_on, actor=staff())
    assert totals.judge_by_the_clock(at=now + timedelta(days=200)) == 0
    assert FigureWarning.objects.filter(retracted_at=None).count() == 1


def test_whoever_was_never_on_the_roster_is_warned_as_the_others() -> None:
    scene = Warned()
    scene.section.enrolments.filter(user=user_of(student(2))).delete()
    scene.say(Verdict.ACCEPT)
    scene.say(Verdict.ABSENT)
    assert FigureWarning.objects.filter(retracted_at=None).count() == 1


def test_with_an_account_that_is_deleted_its_warnings_go_and_no_mail_is_sent(
    server: MailServer,
) -> None:
    # An account with marks is not deleted; without any there are days to warn of.
    section = section_of_today((2,), policy={"days_without": 5})
    user = user_of(student(2))
    User.objects.filter(pk=user.pk).update(email="two@school.example")
    totals.judge_by_the_clock(at=timezone.now())
    assert FigureWarning.objects.get().user_id == user.pk
    section.enrolments.filter(user=user).delete()

    user.delete()
    settle()

    assert not FigureWarning.objects.exists()
    assert read(server) == []
    assert not Job.objects.filter(settled_at=None).exists()


def test_a_merge_ends_the_warning_of_the_account_that_is_no_more(server: MailServer) -> None:
    scene = Warned()
    settle()
    warned = read(server)
    other = user_of(Person("S-77", "Student 2 once more"))
    merge(user_of(student(2)), other)
    settle()

    (now,) = FigureWarning.objects.filter(retracted_at=None)
    assert (now.user_id, now.raised_because, now.section_id) == (
        other.pk,
        "merge",
        scene.section.pk,
    )
    retracted = [(to, f"{subject} was retracted") for to, subject in warned]
    assert set(retracted) <= set(read(server))
