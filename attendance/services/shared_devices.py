"""Which marks of a lesson came from one browser, without knowing whose it is.

A browser keeps a random cookie for half a day. The live store has a digest of it and of the
lesson, which means nothing in another lesson; PostgreSQL has which marks share one.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import Error, connection, transaction

from attendance.services.database_errors import Kind, kind_of, text_of

logger = logging.getLogger(__name__)

COOKIE = "attn_browser"
KEPT = timedelta(hours=12)
_VALUE = re.compile(r"[0-9a-f]{32}")
_UPDATE = (
    "UPDATE attendance_attendancerecord AS stored SET device_group = i.device_group"
    " FROM unnest(%s::uuid[], %s::text[], %s::int2[]) AS i (id, school_number, device_group)"
    " WHERE stored.attendance_id = i.id AND stored.school_number = i.school_number"
    " AND stored.device_group IS NULL"
)


def new_device() -> str:
    """A value for the cookie of a browser that has none: 128 bits."""
    return secrets.token_hex(16)


def device_of(cookies: Mapping[str, str]) -> str:
    """The value that a browser sends, or '' where it is none of ours."""
    value = cookies.get(COOKIE, "")
    return value if _VALUE.fullmatch(value) else ""


def in_lesson(device: str, lesson_id: UUID) -> str:
    """What one lesson keeps of it: nobody can follow it from lesson to lesson."""
    return sha256(f"{lesson_id}|{device}".encode()).hexdigest()[:16] if device else ""


def keep(groups: Mapping[UUID, Mapping[str, int]]) -> None:
    """Write down which stored marks share a browser; storing it again changes nothing.

    What PostgreSQL refuses is logged and left out; only a lost connection is raised.
    """
    rows = sorted(
        (lesson_id, number, group)
        for lesson_id, of_lesson in groups.items()
        for number, group in of_lesson.items()
    )
    if not rows:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_UPDATE, [list(column) for column in zip(*rows, strict=True)])
    except Error as error:
        if kind_of(error) is Kind.GONE:
            raise
        logger.warning("Which marks share a browser is left out: %s", text_of(error))
