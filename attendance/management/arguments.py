"""Arguments that several commands take."""

from argparse import ArgumentTypeError
from uuid import UUID


def lesson_id(text: str) -> UUID:
    """Raises ArgumentTypeError."""
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a lesson id") from None
