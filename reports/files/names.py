"""Names of files: they say what is inside, and no system takes offence at them."""

import re
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from courses.models import Section

_LONGEST_CODE: Final = 40
_NOT_SAFE: Final = re.compile(r"[^A-Za-z0-9]+")


def file_name(key: str, section: Section | None, zone: ZoneInfo, ending: str) -> str:
    """Report, code of the course where there is one, and day: attn-marks-M-1-2026-11-28.csv."""
    code = _NOT_SAFE.sub("-", section.code if section else "").strip("-")
    day = timezone.now().astimezone(zone).date().isoformat()
    parts = ("attn", key, code[:_LONGEST_CODE], day)
    return "-".join(part for part in parts if part) + f".{ending}"
