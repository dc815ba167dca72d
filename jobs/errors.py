"""What a job says of a try that has failed. Both carry words of ours, never an address or a name.

`last_error` of the job shows them to staff. Any other exception counts as Later, by its class.
"""

from datetime import timedelta


class JobError(Exception):
    """Base of both."""


class Later(JobError):
    """It may go well another time: the next try is the next one of the kind's schedule.

    Not before `at_least` has passed, where whoever was asked has said so.
    """

    def __init__(self, why: str, *, at_least: timedelta = timedelta()) -> None:
        super().__init__(why)
        self.at_least = at_least


class NeverSucceeds(JobError):
    """No further try: somebody has to look at it."""
