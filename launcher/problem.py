"""The error with which the launcher stops."""

USAGE = 2
UNAVAILABLE = 69


class Problem(Exception):
    """One line that says what to do, and the exit status."""

    def __init__(self, line: str, status: int = UNAVAILABLE) -> None:
        super().__init__(line)
        self.status = status
