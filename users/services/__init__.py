"""What changes people: each has its user before anything points to them, one user or several."""

from users.services.clearing import clear_expired
from users.services.ensuring import ensure_users, update_people
from users.services.merging import merge_people, unmerge_people

__all__ = ["clear_expired", "ensure_users", "merge_people", "unmerge_people", "update_people"]
