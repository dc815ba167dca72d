"""What can be wrong with a person's data, each with a stable code."""

from typing import ClassVar


class UserError(Exception):
    """Base of the errors of `users`; `code` is stable, `detail` tells what to do."""

    code: ClassVar[str] = "user_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidSchoolNumber(UserError):
    code = "invalid_school_number"


class InvalidFullName(UserError):
    code = "invalid_full_name"


class UsersMissing(UserError):
    """Users that were just inserted are not there: nothing may point to them."""

    code = "users_missing"
