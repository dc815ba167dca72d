"""What a receipt says, and its bytes."""

from uuid import UUID

import msgspec

from attendance.live.payloads import SectionData
from attendance.rules.status import NO_RULE, ArrivalRule
from attendance.vocabulary import Status
from users.identity import Person, Role

REASON = "brought back by the student's receipt"


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a receipt says. Instants are epoch milliseconds."""

    lesson_id: UUID
    lesson_name: str
    teacher: Person
    starts_at: int
    ends_at: int
    student: Person
    status: Status
    checked_in_at: int
    revision: int
    section: SectionData | None = None
    rule: ArrivalRule = NO_RULE

    @property
    def the_teacher(self) -> Person:
        """The teacher as somebody of whom an account can be made."""
        return Person(self.teacher.school_number, self.teacher.full_name, Role.TEACHER)


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Receipt).decode
"""Raises msgspec.MsgspecError."""
