"""Payloads of records that nobody can read, each in a way of its own."""

from collections.abc import Callable
from uuid import UUID

from tests.support.lessons import sealed_record


def json_of(number: str, name: str = "Student") -> bytes:
    return b'{"school_number":"%b","full_name":"%b","source":"student"}' % (
        number.encode(),
        name.encode("utf-8", "surrogatepass"),
    )


DEEP = b'{"school_number":' + b"[" * 1000 + b"]" * 1000 + b"}"
NOW = "1790000000000"
DAMAGED_RECORDS: dict[str, Callable[[UUID, str], bytes]] = {
    "no envelope": lambda i, n: b"garbage \xff\x00",
    "empty": lambda i, n: b"",
    "unknown version": lambda i, n: b"2" + sealed_record(i, n, json_of(n))[1:],
    "wrong checksum": lambda i, n: sealed_record(i, n, json_of(n)).replace(b"Student", b"Studemt"),
    "another number": lambda i, n: sealed_record(i, n, json_of("S-7777")),
    "another field": lambda i, n: sealed_record(i, "S-7777", json_of("S-7777")),
    "a number that is not canonical": lambda i, n: sealed_record(i, n, json_of(n.lower())),
    "an instant out of range": lambda i, n: sealed_record(
        i, n, json_of(n), parts=["2", NOW, "99999999999999", "present", "", "kept"]
    ),
    "an unknown status": lambda i, n: sealed_record(
        i, n, json_of(n), parts=["2", NOW, NOW, "asleep", "", "kept"]
    ),
    "too few parts": lambda i, n: sealed_record(i, n, json_of(n), parts=["2", NOW]),
    "a huge revision": lambda i, n: sealed_record(
        i, n, json_of(n), parts=["9" * 30, NOW, NOW, "present", "", "kept"]
    ),
    "bad JSON": lambda i, n: sealed_record(i, n, b'{"full_name'),
    "nesting a thousand deep": lambda i, n: sealed_record(i, n, DEEP),
    "a NUL in the name": lambda i, n: sealed_record(i, n, json_of(n, "A\\u0000da")),
    "an unpaired surrogate": lambda i, n: sealed_record(i, n, json_of(n, "A\\ud800da")),
    "raw surrogate bytes": lambda i, n: sealed_record(i, n, json_of(n, "A\ud800da")),
    "an unknown field": lambda i, n: sealed_record(i, n, json_of(n)[:-1] + b',"x":1}'),
}
