"""What staff say of alarms: known, for now; or, of a lost lesson, settled for good."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.errors import (
    AlarmNotFound,
    AlarmStays,
    AlreadySettled,
    Conflict,
    NotYourLesson,
    ReasonRequired,
)
from attendance.models import AlarmAcknowledgement, AlarmEpisode, LessonLedger
from attendance.selectors import alarms
from attendance.selectors.alarms import KINDS, Alarm
from attendance.services import alarms as service
from attendance.services.persistence import unified_persistence_task
from attendance.services.stores.sites import settle_disagreement
from attendance.vocabulary import LessonState
from tests.support.alarm_scenes import (
    SCENES,
    browser_of,
    dead_live_store,
    ledger,
    live_setting,
    page_of,
    payload,
    ready,
    told,
)
from tests.support.callers import Api, account
from tests.support.factories import LessonLedgerFactory, QuarantinedPayloadFactory
from tests.support.lessons import (
    TEACHER,
    end,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from tests.support.members import STAFF
from tests.support.processes import manage
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

KNOWN = [kind.code for kind in KINDS.values() if kind.may_be_acknowledged]
STAYS = sorted(
    set(KINDS) - set(KNOWN) - {"postgresql_unreachable", "scheduler_stopped", "scheduler_late"}
)
OF_SITE = "live_store_syncs_late"


@pytest.fixture(autouse=True)
def staff() -> None:
    account(STAFF)


def alarm(code: str) -> Alarm:
    (found,) = (each for each in alarms.current().alarms if each.kind.code == code)
    return found


def acknowledge(code: str, reason: str = "we know", **values: Any) -> None:
    service.acknowledge(code, alarm(code).found.subject, actor=STAFF, reason=reason, **values)


@pytest.mark.parametrize("code", KNOWN)
def test_an_acknowledged_alarm_is_told_and_raises_nobody(code: str) -> None:
    visitor = browser_of(STAFF)
    with SCENES[code]():
        with pytest.raises(ReasonRequired):
            acknowledge(code, reason=" ")
        assert alarms.current().status == "degraded"

        acknowledge(code)

        assert alarms.current().status == "ok"
        assert ready()[1]["status"] == "ok"
        found = alarm(code)
        assert found.acknowledgement is not None
        assert found.acknowledgement.reason == "we know"
        if code != "evidence_not_kept":
            assert told(code)["acknowledged"] == 1
        assert "Staff 1 has acknowledged it: we know" in page_of(visitor.get("/admin/operations/"))
        # Runs come and go.
        service.look()
        assert not alarm(code).is_open
    service.look()
    assert alarms.current().alarms == []
    # The word stands in the books.
    assert AlarmAcknowledgement.objects.get().episode.ended_at is not None


@pytest.mark.parametrize("code", STAYS)
def test_what_keeps_the_site_from_its_work_is_no_matter_of_words(code: str) -> None:
    with SCENES[code](), pytest.raises(AlarmStays):
        service.acknowledge(code, "", actor=STAFF, reason="we know")


def test_the_same_cause_after_its_end_is_a_new_alarm() -> None:
    with live_setting("appendfsync", "everysec"):
        acknowledge(OF_SITE)
    service.look()
    with live_setting("appendfsync", "everysec"):
        assert alarm(OF_SITE).is_open


def test_another_value_is_a_new_alarm() -> None:
    with live_setting("appendfsync", "everysec"):
        acknowledge(OF_SITE)
        with live_setting("appendfsync", "no"):
            assert alarm(OF_SITE).is_open
            acknowledge(OF_SITE)
            assert not alarm(OF_SITE).is_open


def test_another_payload_of_the_lesson_is_a_new_alarm() -> None:
    with payload() as kept:
        acknowledge("quarantine_open")
        QuarantinedPayloadFactory(lesson_id=kept.lesson_id)
        assert alarm("quarantine_open").is_open


def test_another_attempt_with_the_same_error_is_not() -> None:
    with ledger(state=LessonState.FAILED, last_error="OperationalError 40P01: pid 1") as row:
        acknowledge("lesson_failed")
        LessonLedger.objects.filter(pk=row.pk).update(last_error="OperationalError 40P01: pid 2")
        assert not alarm("lesson_failed").is_open
        LessonLedger.objects.filter(pk=row.pk).update(last_error="OperationalError 53100: full")
        assert alarm("lesson_failed").is_open


def test_a_word_on_one_lesson_is_none_on_another() -> None:
    with ledger(state=LessonState.LOST) as first:
        acknowledge("lesson_lost")
        LessonLedgerFactory(state=LessonState.LOST)
        found = told("lesson_lost")
        assert (found["count"], found["acknowledged"]) == (2, 1)
        assert ready()[1]["status"] == "degraded"
        subjects = {x.found.subject: x.is_open for x in alarms.current().alarms}
        assert subjects[str(first.pk)] is False


def test_a_word_outlives_an_outage() -> None:
    with live_setting("appendfsync", "everysec"):
        acknowledge(OF_SITE)
        with dead_live_store():
            service.look()
        assert not alarm(OF_SITE).is_open


def test_a_word_on_what_was_seen_is_none_on_what_came_meanwhile() -> None:
    with live_setting("appendfsync", "everysec"):
        with pytest.raises(Conflict):
            acknowledge(OF_SITE, cause="no")
        acknowledge(OF_SITE, cause="everysec")


def test_what_is_not_on_cannot_be_acknowledged() -> None:
    with pytest.raises(AlarmNotFound):
        service.acknowledge(OF_SITE, "", actor=STAFF, reason="we know")


@pytest.mark.parametrize("person", [TEACHER, student(1)])
def test_only_staff_have_a_word(person: Any) -> None:
    page = reverse("admin:attendance_alarmepisode_acknowledge")
    row = LessonLedgerFactory(state=LessonState.LOST)
    with pytest.raises(NotYourLesson):
        service.acknowledge("lesson_lost", str(row.pk), actor=person, reason="we know")
    with pytest.raises(NotYourLesson):
        service.settle_lost([row.pk], actor=person, reason="we know")
    visitor = browser_of(person)
    for address in (page, reverse("admin:attendance_lessonledger_settle")):
        assert visitor.post(address, {"reason": "we know"}).status_code in {302, 403}
    assert not AlarmAcknowledgement.objects.exists()


def test_staff_acknowledge_on_the_page() -> None:
    visitor = browser_of(STAFF)
    with live_setting("appendfsync", "everysec"):
        (kind,) = visitor.get("/admin/operations/").context["alarms"]
        address = kind.lines[0].acknowledge_at
        assert "required" in page_of(visitor.post(address, {"reason": ""}))
        page = page_of(visitor.post(address, {"reason": "a test site"}, follow=True))
        assert "Staff 1 has acknowledged it: a test site" in page
        assert f'href="{address}"' not in page


def test_staff_acknowledge_by_the_command() -> None:
    with ledger(state=LessonState.LOST) as row:
        word = ("--acknowledge", "lesson_lost", "--subject", str(row.pk), "--by", "STAFF-1")
        done = manage("alarms", *word)
        assert (done.returncode, "Say why" in done.stderr) == (1, True)
        done = manage("alarms", *word, "--reason", "asked the students")
        assert done.returncode == 0
        assert "Staff 1 has acknowledged it: asked the students" in done.stdout
        done = manage("alarms", *word[:4], "--by", "NOBODY", "--reason", "x")
        assert (done.returncode, "--by" in done.stderr) == (1, True)


def test_the_command_tells_by_its_status() -> None:
    assert manage("alarms").stdout == "No alarm.\n"
    with ledger(state=LessonState.LOST):
        done = manage("alarms", "--json")
    assert done.returncode == 3
    assert '"code": "lesson_lost"' in done.stdout
    with live_setting("maxmemory-policy", "allkeys-lru"):
        assert manage("alarms").returncode == 75


def test_staff_acknowledge_over_the_api() -> None:
    caller = Api(STAFF)
    with ledger(state=LessonState.LOST) as row:
        (found,) = caller.get("alarms/").json()["results"]
        assert (found["code"], found["subject"]) == ("lesson_lost", str(row.pk))
        path = "alarms/lesson_lost/acknowledge/"
        assert caller.post(path, {"subject": found["subject"], "reason": ""}).status_code == 400
        said = caller.post(path, {"subject": found["subject"], "reason": "asked"}).json()
        assert (said["acknowledged_by"], said["acknowledged_reason"]) == ("Staff 1", "asked")
        assert caller.post("alarms/lesson_late/acknowledge/", {"reason": "x"}).status_code == 404


def lost_lesson() -> Any:
    lesson = live_lesson(2)
    unified_persistence_task()
    forget_everything()
    unified_persistence_task()
    return lesson


def test_a_settled_lesson_stays_lost_with_who_and_why() -> None:
    lesson = lost_lesson()
    service.look()
    with pytest.raises(ReasonRequired):
        service.settle_lost([lesson.id], actor=STAFF, reason="")

    service.settle_lost([lesson.id], actor=STAFF, reason="all receipts came")
    settle_disagreement()

    assert alarms.current().alarms == []
    assert ready()[1]["lessons"]["lost"] == 0
    row = LessonLedger.objects.get()
    assert (row.state, row.settled_reason) == (LessonState.LOST, "all receipts came")
    assert row.settled_by is not None
    assert row.settled_by.school_number == "STAFF-1"
    service.look()
    assert AlarmEpisode.objects.get(code="lesson_lost").ended_at is not None
    with pytest.raises(AlreadySettled):
        service.settle_lost([lesson.id], actor=STAFF, reason="again")


def test_a_settled_lesson_that_comes_back_and_is_lost_again_is_a_new_alarm() -> None:
    lesson = live_lesson(2)
    unified_persistence_task()
    dumped = redis_state()
    forget_everything()
    unified_persistence_task()
    service.settle_lost([lesson.id], actor=STAFF, reason="nothing more comes")
    put_back(dumped)

    unified_persistence_task()

    row = LessonLedger.objects.get()
    assert (row.state, row.settled_by, row.settled_reason) == (LessonState.LIVE, None, "")
    forget_everything()
    unified_persistence_task()
    assert alarm("lesson_lost").is_open
    put_back(dumped)
    end(lesson.id)
    unified_persistence_task()
    settle_disagreement()
    assert alarms.current().alarms == []


def test_a_word_from_before_settles_no_later_loss() -> None:
    """It came back unreadable, and whoever asked for it alone has let nobody observe it."""
    by = User.objects.get(school_number="STAFF-1")
    settled = {"settled_at": timezone.now(), "settled_by": by, "settled_reason": "before"}
    LessonLedgerFactory(state=LessonState.QUARANTINED, **settled)

    unified_persistence_task()

    assert alarm("lesson_lost").is_open


def test_only_what_is_lost_is_settled() -> None:
    lost = LessonLedgerFactory(state=LessonState.LOST)
    other = LessonLedgerFactory(state=LessonState.DISCARDED)
    with pytest.raises(AlarmNotFound):
        service.settle_lost([lost.pk, other.pk], actor=STAFF, reason="both")
    lost.refresh_from_db()
    assert lost.settled_at is None


def _by_the_page(row: LessonLedger) -> None:
    visitor = browser_of(STAFF)
    (kind,) = visitor.get("/admin/operations/").context["alarms"]
    visitor.post(kind.lines[0].settle_at, {"reason": "done"})


def _by_the_action(row: LessonLedger) -> None:
    visitor = browser_of(STAFF)
    chosen = {"action": "settle_lost", "_selected_action": [str(row.pk)]}
    asked = visitor.post(reverse("admin:attendance_lessonledger_changelist"), chosen)
    visitor.post(asked["Location"], {"reason": "done"})


def _by_the_command(row: LessonLedger) -> None:
    manage("alarms", "--settle", str(row.pk), "--by", "STAFF-1", "--reason", "done")


def _by_the_api(row: LessonLedger) -> None:
    answer = Api(STAFF).post(f"lessons/{row.pk}/settle-lost/", {"reason": "done"})
    assert answer.status_code == 204


@pytest.mark.parametrize("settle", [_by_the_page, _by_the_action, _by_the_command, _by_the_api])
def test_a_lost_lesson_is_settled_wherever_staff_are(settle: Any) -> None:
    row = LessonLedgerFactory(state=LessonState.LOST)

    settle(row)

    row.refresh_from_db()
    assert row.settled_reason == "done"
    assert alarms.current().alarms == []
