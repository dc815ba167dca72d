"""PostgreSQL as a value: read at once, put back, and in a form that can be compared."""

import json
from functools import cached_property
from typing import Any

from django.db import connection

from tests.support.lessons import student

TABLES = (
    "users_user",
    "users_formernumber",
    "users_personmerge",
    "courses_enrolment",
    "courses_absence",
    "attendance_attendance",
    "attendance_attendancerecord",
    "attendance_attendanceevent",
    "attendance_refusedcheckin",
    "attendance_lessonledger",
    "attendance_lessonword",
    "attendance_quarantinedpayload",
)
_RECORD = (
    *(
        "school_number",
        "full_name",
        "status",
        "source",
        "reason",
        "previous",
        "revision",
        "deleted_reason",
    ),
    "is_expected",
)
_EVENT = ("revision", "kind", "old", "new", "reason", "request_id", "request_digest", "source")
_LEDGER = (
    *("state", "record_count", "quarantined_count", "attempts", "digest", "last_error"),
    *("seen_revision", "stored_revision", "missing_count", "accepted_revision"),
)

_READ_ALL = (
    "SELECT jsonb_build_object("
    + ", ".join(
        f"'{name}', (SELECT coalesce(jsonb_agg(t), '[]') FROM {name} AS t)" for name in TABLES
    )
    + ")::text"
)
# One simple query is one transaction. Events are append-only by a trigger, which only a
# superuser passes by: the throw-away server's user is one.
_PUT_ALL = "SELECT set_config('session_replication_role', 'replica', true);" + "".join(
    f"DELETE FROM {name};" for name in (*TABLES, "attendance_persistencerun")
)

Row = dict[str, Any]

PEOPLE = {student(n).full_name: student(n).school_number for n in range(1, 10)}
"""A name stands for one person, who is called by the number that they had first."""


class Rows:
    """What PostgreSQL holds, as it was committed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        tables: dict[str, list[Row]] = json.loads(self.text)
        return tables

    def of(self, table: str) -> list[Row]:
        return self.tables[f"attendance_{table}"]

    @cached_property
    def numbers(self) -> dict[int, str]:
        return {row["id"]: row["school_number"] for row in self.tables["users_user"]}

    @cached_property
    def people(self) -> dict[int, str]:
        """Whose each account is, whatever number it has now."""
        users = self.tables["users_user"]
        return {row["id"]: _person(row["full_name"], row["school_number"]) for row in users}

    @cached_property
    def roots(self) -> dict[str, str]:
        """By person: the account that stands for one that is merged."""
        users = self.tables["users_user"]
        merged = (row for row in users if row["merged_into_id"] is not None)
        return {self.people[row["id"]]: self.people[row["merged_into_id"]] for row in merged}

    @cached_property
    def canonical(self) -> str:
        """Without ids that depend on the order of inserts, and without PostgreSQL's own clock."""
        who = self.numbers
        parts = {
            "users": sorted(
                (row["school_number"], row["role"], who.get(row["merged_into_id"]))
                for row in who_rows(self)
            ),
            "former numbers": sorted(
                (row["number"], who[row["user_id"]]) for row in self.tables["users_formernumber"]
            ),
            "attendances": _sorted(
                (
                    *(row["id"], row["revision"], row["lesson_name"], row["ends_at"]),
                    *(row["deleted_at"], row["roster_closed_at"] is None),
                    row["not_held_at"] is None,
                )
                for row in self.of("attendance")
            ),
            "enrolments": _sorted(
                (who[row["user_id"]], row["role"], row["begins_on"], row["ends_on"])
                for row in self.tables["courses_enrolment"]
            ),
            "absences": _sorted(
                (who[row["user_id"]], row["state"]) for row in self.tables["courses_absence"]
            ),
            "records": _sorted(
                (
                    *(row["attendance_id"], who[row["student_id"]], row["checked_in_at"]),
                    *(row[name] for name in _RECORD),
                )
                for row in self.of("attendancerecord")
            ),
            "events": _sorted(
                (row["attendance_id"], *(row[name] for name in _EVENT))
                for row in self.of("attendanceevent")
            ),
            "ledger": _sorted(
                (
                    *(row["lesson_id"], row["ends_at"], row["discarded_at"] is None),
                    row["incomplete_since"] is None,
                    *(row[name] for name in _LEDGER),
                )
                for row in self.of("lessonledger")
            ),
            "words": _sorted(tuple(row.values()) for row in self.of("lessonword")),
            "quarantine": _sorted(
                (row["lesson_id"], row["kind"], row["field"], row["sha256"], row["state"])
                for row in self.of("quarantinedpayload")
            ),
            "refusals": _sorted(
                (row["school_number"], row["code"], row["times"])
                for row in self.of("refusedcheckin")
            ),
        }
        return repr(parts)


def _person(full_name: str, number: str) -> str:
    return PEOPLE.get(full_name, number)


def who_rows(rows: Rows) -> list[Row]:
    return rows.tables["users_user"]


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


def read_rows() -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(_READ_ALL)
        return Rows(cursor.fetchone()[0])


def put_rows(rows: Rows) -> None:
    used = [name for name in TABLES if rows.tables[name]]
    inserts = "".join(
        f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, %s::jsonb);"
        for name in used
    )
    with connection.cursor() as cursor:
        cursor.execute(_PUT_ALL + inserts, [json.dumps(rows.tables[name]) for name in used])
