"""Teacher, students and office: what they ask, through the services, and what they hear."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import EventData, RequestKey
from attendance.models import LessonLedger
from attendance.rules import instants
from attendance.services import receipts
from attendance.services.check_in import CheckedIn, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, extend_lesson, start_lesson
from attendance.services.receipts import Found
from attendance.vocabulary import Verdict
from tests.model import accounts, section
from tests.model.memory import BLANK, HERE, RECEIPT, RequestUnderWay
from tests.support.lessons import TEACHER, student

STUDENTS = {student(n).school_number: student(n) for n in (1, 2)}
ACCOUNTS = {**STUDENTS, accounts.SECOND.school_number: accounts.SECOND}
NUMBERS = dict(zip("ABD", ACCOUNTS, strict=True))

LESSON = UUID("01900000-0000-7000-8000-000000000001")

START = 1_800_000_000_000
MINUTE = 60_000
END = START + 30 * MINUTE
EXTENDED = START + 40 * MINUTE
FAR = START + 24 * 60 * MINUTE

REUSED = "reused-1"
"""The id of each request whose action begins with `reuse:`."""

Job = Callable[[], Any]


def job_of(
    call: RequestUnderWay, receipt: str, lesson_id: UUID, *, with_accounts: bool = False
) -> Job:
    """The request that a person makes."""
    who = ACCOUNTS.get(call.number)
    if with_accounts and (job := accounts.job_of(call, lesson_id, who=who, receipt=receipt)):
        return job
    of_section = section.job_of(call.action, lesson_id, who=who, request_id=call.request_id)
    return of_section or _of_lesson(call, receipt, lesson_id)


def _of_lesson(call: RequestUnderWay, receipt: str, lesson_id: UUID) -> Job:
    who = ACCOUNTS.get(call.number)
    match call.action.split():
        case ["start", *_]:
            return lambda: start_lesson(
                LessonPlan("Physics", minutes=30), teacher=TEACHER, request_id=call.request_id
            )
        case ["check", "in", _] if who:
            return lambda: check_in(lesson_id, student=who)
        case ["redeem", _] if who:
            return lambda: receipts.redeem(receipt, caller=who)
        case ["extend"]:
            return lambda: extend_lesson(
                lesson_id,
                instants.instant(EXTENDED),
                actor=TEACHER,
                request_id=call.request_id,
            )
        case ["finish"]:
            event = EventData("lesson_finished", TEACHER, "teacher")
            return lambda: store.finish(
                lesson_id, request=RequestKey(call.request_id, ""), event=event
            )
    verdict = Verdict.LATE if call.request_id.endswith(("1", "3")) else Verdict.EXCUSE
    correction = Correction(
        lesson_id=lesson_id,
        school_number=accounts.present_number(ACCOUNTS[call.number]),
        verdict=Verdict.UNDO if call.action.startswith("undo") else verdict,
        actor=TEACHER,
        reason=call.request_id,
        full_name=ACCOUNTS[call.number].full_name,
        request_id=call.request_id,
    )
    return lambda: correct_record(correction)


def heard(call: RequestUnderWay, result: Any) -> tuple[str, str]:
    """The word that was acknowledged, or '', and a receipt, or ''."""
    match call.action.split()[0]:
        case "check" | "stale:":
            done: CheckedIn = result
            # To somebody of whom a teacher has spoken it says when they came, and no more.
            is_word = not done.is_repeated and done.record.source == "student"
            return HERE if is_word else "", receipts.issue(done)
        case "redeem":
            return _told_by_receipt(result), ""
        case "undo" if result.is_deleted or result.source == "system":
            return BLANK, ""
        case "correct" | "again:" | "cut" | "undo" | "reuse:":
            return call.request_id, ""
    return "", ""


def _told_by_receipt(result: receipts.Redeemed) -> str:
    if result.record is None and LessonLedger.objects.filter(lesson_id=LESSON).exists():
        raise AssertionError("the ledger knows the lesson, and its receipt waits for staff")
    if result.record is None:
        return ""
    if result.outcome is Found.KEPT and result.record.source == "system":
        raise AssertionError("a receipt was answered with a mark of the system")
    return RECEIPT if result.outcome is Found.RESTORED else ""
