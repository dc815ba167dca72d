"""Time-ordered ids: UUID version 7 (RFC 9562), which Python has from 3.14 on."""

import secrets
from datetime import datetime
from uuid import UUID

from attendance.live.payloads import RequestKey
from attendance.rules.instants import milliseconds


def new_lesson_id(at: datetime) -> UUID:
    """A new id whose first 48 bits are the instant `at` in milliseconds."""
    value = milliseconds(at) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return UUID(int=value)


def new_request_key() -> RequestKey:
    """The key of a change that no caller asked for by an id: it has no digest."""
    return RequestKey(new_request_id(), "")


def new_request_id() -> str:
    """A request id for a caller that brings none: the request is then never a repeat."""
    return secrets.token_hex(16)
