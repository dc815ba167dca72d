"""The roster of a course from a file: who may, what is shown, and that only that is applied."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from attendance.web.pages import roster_import
from courses.errors import SectionChanged
from courses.models import Enrolment, RosterUpload, Section
from courses.services.rosters import applying
from courses.services.rosters.turns import only_import
from courses.services.rosters.uploads import KEPT
from courses.vocabulary import MOST_UPLOADED_BYTES, EnrolmentRole, SystemKind
from tests.pages.visitors import STAFF, STUDENT, signed_in, text_of
from tests.support.callers import account
from tests.support.course_factories import (
    EnrolmentFactory,
    SectionFactory,
    SourceSystemFactory,
    TermFactory,
)
from tests.support.factories import UserFactory
from tests.support.lessons import TEACHER
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db

OTHER = Person("T-9", "Teacher 9", Role.TEACHER)
ASSISTANT = Person("A-1", "Assistant 1", Role.TEACHER)
OBSERVER = Person("O-1", "Observer 1", Role.TEACHER)


@pytest.fixture
def section() -> Section:
    """A section of today with one of each role."""
    today = timezone.localdate()
    term = TermFactory(starts_on=today - timedelta(30), ends_on=today + timedelta(60))
    made = SectionFactory.create(term=term, code="PHY-1", title="Physics", time_zone="UTC")
    for person, role in (
        (TEACHER, EnrolmentRole.TEACHER),
        (ASSISTANT, EnrolmentRole.ASSISTANT),
        (OBSERVER, EnrolmentRole.OBSERVER),
        (STUDENT, EnrolmentRole.STUDENT),
    ):
        EnrolmentFactory(section=made, user=account(person), role=role)
    return made


def home(section: Section) -> str:
    return f"/sections/{section.pk}/import/"


def sent(client: Client, section: Section, text: str | bytes, **fields: str) -> Any:
    raw = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile("Roster.csv", raw)
    return client.post(home(section), {"file": file, **fields}, follow=True)


def roster(count: int, first: int = 1) -> str:
    rows = "".join(f"N-{n:04},New {n}\n" for n in range(first, first + count))
    return "okul no,ad soyad\n" + rows


def form_values(answer: Any) -> dict[str, str]:
    pattern = r'name="(digest|allow_drop)" value="([^"]*)"'
    return dict(re.findall(pattern, answer.content.decode()))


@pytest.mark.parametrize(
    ("person", "status"),
    [(TEACHER, 200), (STAFF, 200), (ASSISTANT, 404), (OBSERVER, 404), (OTHER, 404), (STUDENT, 404)],
)
def test_who_may_upload(section: Section, person: Person, status: int) -> None:
    RosterUpload.objects.create(
        section=section,
        uploaded_by=account(person),
        name="kept.csv",
        content=roster(1).encode(),
        made_at=timezone.now(),
    )
    client = signed_in(person)
    for path in ("", "preview/", "plan.csv", "plan.json"):
        assert client.get(home(section) + path).status_code == status
    file = SimpleUploadedFile("Roster.csv", roster(1).encode())
    answer = client.post(home(section), {"file": file})
    assert answer.status_code == (302 if status == 200 else 404)
    if status != 200:
        assert client.post(home(section) + "preview/", {"digest": "x"}).status_code == 404
        assert RosterUpload.objects.get().name == "kept.csv"
    anonymous = Client().get(home(section))
    assert anonymous.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("section_id", [0, 10**30])
def test_a_section_that_is_not_there_is_not_found(section_id: int) -> None:
    assert signed_in(STAFF).get(f"/sections/{section_id}/import/").status_code == 404


def test_a_teacher_sees_the_plan_and_applies_it(section: Section) -> None:
    client = signed_in(TEACHER)
    shown = sent(client, section, roster(2))
    assert shown.redirect_chain == [(home(section) + "preview/", 302)]
    assert {"New 1", "N-0002"} <= set(re.findall(r"New 1|N-0002", text_of(shown)))
    assert "2 people are new." in text_of(shown)
    assert not User.objects.filter(school_number="N-0001").exists()

    done = client.post(home(section) + "preview/", form_values(shown), follow=True)
    assert done.redirect_chain == [(f"/courses/{section.pk}/", 302)]
    assert "Applied: 2 new, 0 changed, 0 ended." in text_of(done)
    assert Enrolment.objects.filter(section=section, system__code="csv").count() == 2
    assert not RosterUpload.objects.exists()
    again = sent(client, section, roster(2))
    assert "Nothing would change." in text_of(again)
    assert "Apply this" not in text_of(again)


def test_rows_of_other_sections_and_bad_ones_are_named_by_line(section: Section) -> None:
    text = "school_number,full_name,section,phone\nN-1,Ada,PHY-1,5\nN-2,Lin,PHY-2,5\n!,Mia,,\n"
    page = text_of(sent(signed_in(STAFF), section, text))
    for said in ("<td>3</td>", "is of the section PHY-2", "<td>4</td>", "phone"):
        assert said in page
    assert "is of the section" not in text_of(
        signed_in(STAFF).get(home(section) + "preview/?show=create")
    )


def test_what_was_not_shown_is_not_applied(section: Section) -> None:
    client = signed_in(TEACHER)
    values = form_values(sent(client, section, roster(2)))
    EnrolmentFactory(
        section=section, user=UserFactory(school_number="N-0001"), role=EnrolmentRole.STUDENT
    )
    for sending in (values, {}, {"digest": "x" * 65}):
        answer = client.post(home(section) + "preview/", sending)
        assert answer.status_code == 409
        assert "has changed since it was shown" in text_of(answer)
    assert not Enrolment.objects.filter(system__code="csv").exists()
    # The new plan is on the page.
    answer = client.post(home(section) + "preview/", form_values(answer), follow=True)
    assert "Applied: 1 new" in text_of(answer)


def test_the_brake_is_a_box_to_tick(section: Section) -> None:
    SourceSystemFactory(code="csv", kind=SystemKind.CSV)
    client = signed_in(TEACHER)
    shown = sent(client, section, roster(30))
    client.post(home(section) + "preview/", form_values(shown))
    shown = sent(client, section, roster(10))
    values = form_values(shown)
    assert values["allow_drop"] == "20"
    assert "20 of 30 enrolments that came from files would end." in text_of(shown)
    stopped = client.post(home(section) + "preview/", {"digest": values["digest"]})
    assert (stopped.status_code, "more than usual" in text_of(stopped)) == (409, True)
    assert not Enrolment.objects.filter(ends_on__isnull=False).exists()
    done = client.post(home(section) + "preview/", values, follow=True)
    assert "20 ended" in text_of(done)


@pytest.mark.parametrize(
    ("raw", "status", "says"),
    [
        (b"", 400, "needs the columns"),
        (b"school_number,full_name\n", 400, "has no rows"),
        (b"a,b\n1,2\n", 400, "needs the columns"),
        (b"school_number,full_name\nN-1,\xc7a\xf0r\xfd\n", 400, "Çağrı"),
        (b'school_number,full_name\nN-1,"Ada\n', 400, "quotation mark"),
        (bytes(MOST_UPLOADED_BYTES + 1), 413, "more than 5 MB"),
    ],
    ids=["empty", "header only", "columns", "encoding", "quote", "large"],
)
def test_a_file_that_cannot_be_read_says_why(
    section: Section, raw: bytes, status: int, says: str
) -> None:
    answer = sent(signed_in(TEACHER), section, raw)
    assert answer.status_code == status
    assert says in text_of(answer).replace("&#x27;", "'")
    assert not RosterUpload.objects.exists()


def test_no_more_of_a_file_is_read_than_is_taken(
    section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(roster_import, "keep_upload", lambda file, **of: kept.append(file))
    answer = sent(signed_in(TEACHER), section, bytes(MOST_UPLOADED_BYTES + 1))
    assert (answer.status_code, kept) == (413, [])


def test_an_older_encoding_is_chosen_on_the_page(section: Section) -> None:
    raw = "school_number,full_name\nN-1,Çağrı\n".encode("cp1254")
    assert "Çağrı" in text_of(sent(signed_in(TEACHER), section, raw, encoding="cp1254"))
    assert sent(signed_in(TEACHER), section, raw, encoding="latin-1").status_code == 400
    assert signed_in(TEACHER).post(home(section), {}).status_code == 400


def test_a_page_shows_some_rows_and_the_files_all(
    section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_import, "SHOWN_ROWS", 3)
    client = signed_in(TEACHER)
    page = text_of(sent(client, section, roster(5)))
    assert (page.count("<tr>"), "and 2 more rows" in page) == (4, True)
    table = client.get(home(section) + "plan.csv")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [row["school_number"] for row in rows] == [f"N-{n:04}" for n in range(1, 6)]
    assert "attachment" in table.headers["Content-Disposition"]
    assert client.get(home(section) + "plan.json").json()["counts"]["create"] == 5
    assert client.get(home(section) + "plan.exe").status_code == 404


def test_a_file_is_kept_for_a_day_and_for_whoever_sent_it(section: Section) -> None:
    staff, teacher = signed_in(STAFF), signed_in(TEACHER)
    sent(teacher, section, roster(1))
    for path in ("preview/", "plan.csv"):
        answer = staff.get(home(section) + path, follow=True)
        assert answer.redirect_chain == [(home(section), 302)]
        assert "not kept any more" in text_of(answer)
    sent(teacher, section, roster(3))
    row = RosterUpload.objects.get()
    RosterUpload.objects.update(made_at=row.made_at - KEPT)
    values = {"digest": "x"}
    answer = teacher.post(home(section) + "preview/", values, follow=True)
    assert "not kept any more" in text_of(answer)
    sent(staff, section, roster(1))
    assert RosterUpload.objects.get().uploaded_by.school_number == STAFF.school_number


def test_what_could_not_be_applied_stays_on_the_page(
    section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise SectionChanged

    client = signed_in(TEACHER)
    values = form_values(sent(client, section, roster(2)))
    monkeypatch.setattr(applying, "_create", fail)
    answer = client.post(home(section) + "preview/", values, follow=True)
    assert "Somebody changed this section meanwhile." in text_of(answer)
    assert "Apply this" in text_of(answer)


@pytest.mark.parametrize(("person", "shown"), [(TEACHER, True), (STAFF, True), (ASSISTANT, False)])
def test_the_course_leads_to_it_whoever_may(section: Section, person: Person, shown: bool) -> None:
    client = signed_in(person)
    assert (home(section) in text_of(client.get(f"/courses/{section.pk}/"))) is shown
    Section.objects.update(archived_at=timezone.now())
    assert home(section) not in text_of(client.get(f"/courses/{section.pk}/"))


def test_an_archived_section_takes_no_roster(section: Section) -> None:
    Section.objects.update(archived_at=timezone.now())
    answer = signed_in(STAFF).get(home(section))
    assert (answer.status_code, "archived" in text_of(answer)) == (409, True)


@pytest.mark.django_db(transaction=True)
def test_while_another_import_runs_it_says_so(section: Section) -> None:
    client = signed_in(TEACHER)
    values = form_values(sent(client, section, roster(1)))
    with only_import("csv"):
        answer = client.post(home(section) + "preview/", values)
    assert (answer.status_code, "Another import" in text_of(answer)) == (409, True)
    assert "Applied" in text_of(client.post(home(section) + "preview/", values, follow=True))
