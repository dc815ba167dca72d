"""Filters of the administration that few of many rows pass: count and page read those alone."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from attendance.vocabulary import Trigger
from tests.support.callers import signed_in
from tests.support.factories import (
    AttendanceEventFactory,
    PersistenceRunFactory,
    QuarantinedPayloadFactory,
    RefusedCheckInFactory,
)
from tests.support.members import STAFF
from tests.support.rows_read import rows_read
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.vocabulary import DeliveryState, WebhookKind

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 30_000
LONG_AGO = "now() - interval '400 days'"
TODAY = "{0}__gte={1:%Y-%m-%d}%2000:00:00%2B00:00"


def copy_many_times(row: Model, **common: str) -> None:
    """Newer rows like this one; `common` has what their columns are instead, in SQL of `n`."""
    table, own = row._meta.db_table, row._meta.pk.column
    columns = [field.column for field in row._meta.concrete_fields if field.column != own]
    values = ", ".join(common.get(str(column), str(column)) for column in columns)
    with connection.cursor() as cursor:
        # Of what they are, nobody asks: the copies of a delivery have no event.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(map(str, columns))})"
            f" SELECT {values} FROM {table}, generate_series(1, %s) AS n",
            [MANY],
        )
        cursor.execute("RESET session_replication_role")
        cursor.execute(f"VACUUM ANALYZE {table}")


def is_all_that_is_read(row: Model, asked: str) -> bool:
    """Whether a list shows this row alone, and reads no others for its count and its page."""
    opts, staff = row._meta, signed_in(STAFF)
    page = f"/admin/{opts.app_label}/{opts.model_name}/?{asked}"
    shown = [each.pk for each in staff.get(page).context["cl"].result_list]
    assert shown == [row.pk]
    return rows_read(partial(staff.get, page), opts.db_table) <= 2


def today(field: str) -> str:
    """As the list of dates beside a list asks for the rows since yesterday."""
    return TODAY.format(field, timezone.now() - timedelta(days=1))


@pytest.mark.parametrize(
    "asked",
    [
        *(f"trigger__exact={trigger}" for trigger in Trigger if trigger != Trigger.SCHEDULER),
        "is_interrupted__exact=1",
        pytest.param(today("started_at"), id="of today"),
    ],
)
def test_runs(asked: str) -> None:
    name, value = asked.split("=")
    trigger = value if name == "trigger__exact" else Trigger.API
    rare = PersistenceRunFactory.create(trigger=trigger, is_interrupted=True)
    copy_many_times(rare, trigger="'scheduler'", is_interrupted="false", started_at=LONG_AGO)

    assert is_all_that_is_read(rare, asked)


def test_payloads_that_wait_for_somebody() -> None:
    settled = QuarantinedPayloadFactory.create(settled=True, state="replayed")
    rare = QuarantinedPayloadFactory.create()
    copy_many_times(
        rare,
        sha256="lpad(n::text || id, 64, '0')",
        state="'replayed'",
        settled_at="now()",
        settled_by_id=str(settled.settled_by_id),
    )

    assert is_all_that_is_read(rare, "state__exact=open")


def test_events_of_today() -> None:
    rare = AttendanceEventFactory.create()
    copy_many_times(
        rare, revision="revision + n", request_id="request_id || n", happened_at=LONG_AGO
    )

    assert is_all_that_is_read(rare, today("happened_at"))


def test_check_ins_that_were_refused_today() -> None:
    rare = RefusedCheckInFactory.create()
    copy_many_times(rare, school_number="school_number || n", last_at=LONG_AGO, first_at=LONG_AGO)

    assert is_all_that_is_read(rare, today("last_at"))


@pytest.mark.parametrize(
    "state", [state for state in DeliveryState if state != DeliveryState.DELIVERED]
)
def test_deliveries_that_did_not_arrive(state: DeliveryState) -> None:
    endpoint = WebhookEndpoint(name="Office", url="https://office.example.org/")
    endpoint.sealed_secret = "sealed"
    endpoint.save()
    event = WebhookEvent.objects.create(kind=WebhookKind.PING, cause="1", data={})
    rare = Delivery.objects.create(event=event, endpoint=endpoint, state=state)
    copy_many_times(rare, event_id="event_id + n", state="'delivered'")

    assert is_all_that_is_read(rare, f"state__exact={state}")
