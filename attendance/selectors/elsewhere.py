"""Who is in two lessons of the same time: a sign that somebody else has said "here" for them."""

import contextlib
from collections import defaultdict
from datetime import timedelta
from itertools import combinations

from django.core.cache import cache
from django.db.models import Q
from django.db.models.functions import Coalesce

from attendance.errors import LiveStoreUnavailable
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.models import Attendance, AttendanceRecord
from attendance.vocabulary import Status

_KEY = "attn:in-two-lessons"
_SECONDS = 15
"""How old the answer may be: every board asks, and it reads every live lesson."""
_LONGEST_LESSON = timedelta(days=1)
_CAME = Q(checked_in_at__isnull=False, deleted_at=None) & ~Q(status=Status.REJECTED)
_NOBODY: frozenset[str] = frozenset()


def of_live(lesson: LiveLesson) -> frozenset[str]:
    """Numbers of who came to this live lesson and to another one whose time overlaps."""
    try:
        found = cache.get(_KEY)
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        # A board does without: reading every lesson each time is too much.
        return _NOBODY
    if found is None:
        found = _find()
        with contextlib.suppress(Exception):  # as above; the next board reads the lessons again
            cache.set(_KEY, found, _SECONDS)
    # The cache knows lists and no sets.
    return frozenset(found.get(str(lesson.id), _NOBODY))


def _find() -> dict[str, frozenset[str]]:
    try:
        lessons = [each for each in store.find_lessons() if each.record_count]
        came = store.who_came([each.id for each in lessons])
    except LiveStoreUnavailable:
        return {}
    both: dict[str, frozenset[str]] = defaultdict(frozenset)
    for one, other in combinations(lessons, 2):
        if one.starts_at < other.ends_at and other.starts_at < one.ends_at:
            shared = came.get(one.id, _NOBODY) & came.get(other.id, _NOBODY)
            both[str(one.id)] |= shared
            both[str(other.id)] |= shared
    return dict(both)


def of_stored(row: Attendance) -> frozenset[str]:
    """Numbers of who came to this stored lesson and to another one whose time overlaps."""
    person = Coalesce("student__merged_into_id", "student_id")
    others = Attendance.objects.filter(
        starts_at__gt=row.starts_at - _LONGEST_LESSON,
        starts_at__lt=row.ends_at,
        ends_at__gt=row.starts_at,
        deleted_at=None,
    ).exclude(pk=row.pk)
    came = AttendanceRecord.objects.filter(_CAME).annotate(person=person)
    elsewhere = came.filter(attendance__in=others.values("pk"))
    here = came.filter(attendance=row, person__in=elsewhere.values("person"))
    return frozenset(here.values_list("student__school_number", flat=True))
