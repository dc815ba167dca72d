"""Merged accounts for tests, made through the service."""

from users.models import PersonMerge, RoleChoices, User
from users.services import merge_people, unmerge_people

REASON = "two numbers, one person"


def staff() -> User:
    """A member of staff who merges."""
    user = User.objects.filter(school_number="MERGER-1").first()
    return user or User.objects.create_user("MERGER-1", "Merger", role=RoleChoices.STAFF)


def merge(duplicate: User, into: User, *, reason: str = REASON) -> PersonMerge:
    """Merge, and read both rows again."""
    written = merge_people(
        duplicate=duplicate.school_number, into=into.school_number, actor=staff(), reason=reason
    )
    for user in (duplicate, into):
        user.refresh_from_db()
    return written


def unmerge(duplicate: User, *, reason: str = "not the same person") -> PersonMerge:
    """Take a merge back, and read the row again."""
    written = unmerge_people(duplicate=duplicate.school_number, actor=staff(), reason=reason)
    duplicate.refresh_from_db()
    return written
