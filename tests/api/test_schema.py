"""The schema is true: whatever it allows or forbids is answered as it says, for everybody."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from courses.vocabulary import EnrolmentRole
from tests.support.callers import account
from tests.support.lessons import TEACHER, student
from tests.support.members import STAFF, enrolled, running_section
from users.tokens import issue_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROLES = {"student": student(1), "teacher": TEACHER, "staff": STAFF}

# Rules that no schema can say: a window against the clock, a reason that depends on the
# status, a text of which something is seen, a number in canonical form, a signature, a year
# before 2000, absent before late, what the bytes of a file are. They are refused with 400; a
# file, with 415.
BY_RULE = [
    "GET /api/v1/absences/",
    "POST /api/v1/absences/",
    "POST /api/v1/absences/decisions/",
    "POST /api/v1/absences/{absence_id}/decision/",
    "POST /api/v1/absences/{absence_id}/evidence/",
    "POST /api/v1/alarms/{code}/acknowledge/",
    "POST /api/v1/auth/tokens/",
    "GET /api/v1/lessons/",
    "POST /api/v1/lessons/",
    "PATCH /api/v1/lessons/{lesson_id}/",
    "PUT /api/v1/lessons/{lesson_id}/records/{school_number}/",
    "PATCH /api/v1/lessons/{lesson_id}/records/{school_number}/",
    "DELETE /api/v1/lessons/{lesson_id}/records/{school_number}/",
    "POST /api/v1/lessons/{lesson_id}/not-held/",
    "POST /api/v1/lessons/{lesson_id}/roster/add/",
    "POST /api/v1/lessons/{lesson_id}/roster/close/",
    "POST /api/v1/lessons/{lesson_id}/settle-lost/",
    "POST /api/v1/quarantine/{payload_id}/discard/",
    "POST /api/v1/receipts/",
    "GET /api/v1/reports/{key}/",
    "GET /api/v1/reports/{key}/csv/",
    "POST /api/v1/people/{school_number}/merge/",
    "POST /api/v1/people/{school_number}/unmerge/",
    "PUT /api/v1/sections/{section_id}/policy/",
]
accepted = ["2xx", "3xx", "400", "401", "403", "404", "409", "410", "415", "429"]
# A body that is too large is refused as such, whatever else is wrong with it.
refused = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
config = schemathesis.Config.from_dict(
    {
        "checks": {"negative_data_rejection": {"expected-statuses": refused}},
        "operations": [
            {
                "include-name": name,
                "checks": {"positive_data_acceptance": {"expected-statuses": accepted}},
            }
            for name in BY_RULE
        ],
    }
)
document = SchemaGenerator().get_schema(request=None, public=True)
schema = schemathesis.openapi.from_dict(document, config=config)
schema.app = get_wsgi_application()


@pytest.fixture(autouse=True)
def no_limits(tmp_path: Path) -> Any:
    with override_settings(
        CHECK_INS_PER_MINUTE=1_000_000,
        CHANGES_PER_MINUTE=1_000_000,
        EVIDENCE_FOLDER=str(tmp_path),
    ):
        yield


class Callers:
    """Somebody of each role, and a section in which each has a part: made once for a test."""

    def __init__(self) -> None:
        self._tokens = {
            role: issue_token(account(person).pk).token for role, person in ROLES.items()
        }

    def call(self, case: Any, role: str) -> None:
        self._mean_what_is_there(case)
        case.call_and_validate(headers={"Authorization": f"Token {self._tokens[role]}"})

    def _mean_what_is_there(self, case: Any) -> None:
        """Ids that can be one become that of the section."""
        parameters = case.path_parameters or {}
        section_id = parameters.get("section_id")
        if isinstance(section_id, int) and section_id >= 0:
            parameters["section_id"] = self._section_id

    @cached_property
    def _section_id(self) -> int:
        section = running_section()
        enrolled(section, TEACHER, EnrolmentRole.TEACHER)
        enrolled(section, student(1), EnrolmentRole.STUDENT)
        return section.pk


@pytest.fixture
def callers() -> Callers:
    return Callers()


def search(examples: int, *phases: Phase) -> hypothesis_settings:
    """Settings of a search that finds the same each time."""
    return hypothesis_settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


# With another parameter each operation is in the name of its test: see tests/support/runs.py.
@pytest.mark.parametrize("roles", [ROLES], ids=["everybody"])
@schema.parametrize()
@search(5, Phase.generate)
def test_answers_are_as_the_schema_says(case: Any, roles: Sequence[str], callers: Callers) -> None:
    # To make an example takes longer than to ask for it: each is asked for by everybody.
    for role in roles:
        callers.call(case, role)


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
@schema.parametrize()
@search(20, Phase.explicit, Phase.generate)
def test_edges_are_answered_as_the_schema_says(case: Any, role: str, callers: Callers) -> None:
    """Those that schemathesis makes of every bound of the schema, and more at random."""
    callers.call(case, role)
