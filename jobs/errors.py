"""What a job says of a try that has failed. Both carry words of ours, never an address or a name.

`last_error` of the job shows them to staff. Any other exception counts as Later, by its class.
"""


class JobError(Exception):
    """Base of both."""


class Later(JobError):
    """It may go well another time: the next try is the next one of the kind's schedule."""


class NeverSucceeds(JobError):
    """No further try: somebody has to look at it."""
