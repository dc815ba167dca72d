"""The three kinds of errors that persistence can meet."""

from enum import Enum

from django.db import DataError, Error, InterfaceError, OperationalError

from users.errors import UsersMissing


class Kind(Enum):
    GONE = "gone"
    """The connection is lost: the run ends, the next one goes on."""
    RETRY = "retry"
    """The database cannot do it now: the lesson is tried again after a pause."""
    DATA = "data"
    """The database or the codec refuses the data itself: quarantine."""
    OTHER = "other"
    """Unexpected: the lesson fails, and an error is logged."""


# Classes of SQLSTATE, see the appendix "Error Codes" of PostgreSQL's manual:
# 25 invalid transaction state (read-only), 40 rollback, 53 resources, 54 limits,
# 55 not in the right state (lock timeout), 57 operator, 58 system.
_RETRY_CLASSES = frozenset({"25", "40", "53", "54", "55", "57", "58"})
# 23AT1 is ours: a number that was somebody's until a moment ago. The next try finds them by it.
_RETRY_STATES = frozenset({"23503", "23AT1"})
# The server or an administrator ended the session.
_GONE_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
_DATA_CLASSES = frozenset({"22", "23"})
_DATA_ERRORS = (UnicodeError, OverflowError, RecursionError, ValueError)


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of an error, or ''."""
    cause = error.__cause__ if isinstance(error, Error) else error
    return getattr(cause, "sqlstate", None) or ""


def kind_of(error: Exception) -> Kind:
    """Sort an error that a persisting transaction ended with."""
    state = sqlstate(error)
    if state in _GONE_STATES or state[:2] == "08" or _is_disconnected(error):
        return Kind.GONE
    if isinstance(error, UsersMissing) or state in _RETRY_STATES or state[:2] in _RETRY_CLASSES:
        return Kind.RETRY
    if state[:2] in _DATA_CLASSES or (not state and _is_refused_here(error)):
        return Kind.DATA
    return Kind.OTHER


def _is_refused_here(error: Exception) -> bool:
    """Whether codec or driver refused a value before PostgreSQL saw it."""
    cause = error.__cause__ if isinstance(error, Error) else error
    return isinstance(error, DataError) or isinstance(cause, _DATA_ERRORS)


def _is_disconnected(error: Exception) -> bool:
    if isinstance(error, InterfaceError):
        return True
    # An error without a code comes from the driver: the server has closed the connection. The
    # connection cannot be checked: Django opens a new one when it leaves the transaction.
    return isinstance(error, OperationalError) and not sqlstate(error)


def text_of(error: Exception) -> str:
    """One line for the ledger and the report, with PostgreSQL's code where it has one."""
    first = (str(error).strip().splitlines() or [""])[0]
    state = sqlstate(error)
    name = f"{type(error).__name__} {state}".strip()
    return storable(f"{name}: {first}")


def storable(text: str) -> str:
    """A text that PostgreSQL accepts, whatever characters it had."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")[:1000]
