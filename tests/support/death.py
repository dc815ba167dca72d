"""The death of a process, played inside a thread of the test's own process."""


class Died(BaseException):
    """The process ends here: nothing of ours catches it, PostgreSQL rolls back."""
