"""What others may want to know of courses; courses know nothing of who listens."""

from typing import Final

from django.db import transaction
from django.dispatch import Signal

absence_changed: Final = Signal()
"""An absence was decided or withdrawn: `absence_id`.

It is sent inside the transaction of that change, while the user row of the absent person is
held FOR UPDATE. So what a listener changes is committed with it, or nothing is; and a listener
that raises takes the change back.
"""

roster_changed: Final = Signal()
"""Enrolments of a section were added, ended or moved: `section_id`.

It is sent once for each transaction that changed them, from `enrol`, `end_enrolment` and an
import of rosters, after its commit: whoever keeps a copy of a roster reads it again. A
listener that fails is logged and breaks nothing; what it missed, it has to find out by itself
the next time that it reads.
"""


enrolments_changed: Final = Signal()
"""As `roster_changed`, but inside the transaction, and not where only a number or name changed.

It is sent last, when the rows are written: a listener sees them, and may take locks.
"""

rules_changed: Final = Signal()
"""A section has other rules: `section_id`. Sent in the transaction that gave it them."""


def tell_enrolments_changed(section_id: int) -> None:
    """Send `enrolments_changed` now, and `roster_changed` once it is committed."""
    enrolments_changed.send(sender=None, section_id=section_id)
    tell_roster_changed(section_id)


def tell_roster_changed(section_id: int) -> None:
    """Send `roster_changed` once the transaction is committed, and not where it is not."""

    def send() -> None:
        roster_changed.send_robust(sender=None, section_id=section_id)

    transaction.on_commit(send, robust=True)
