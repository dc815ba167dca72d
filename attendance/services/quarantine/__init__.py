"""What staff can do with a quarantined payload.

payloads     retry, replay, replace, set aside
records      what a quarantined record says, and which record of its lesson is in its way
events       taking a quarantined event into the history of its lesson, once
"""

from attendance.services.quarantine.payloads import (
    discard_payload,
    replace_with_payload,
    replay_payload,
    retry_payload,
)

__all__ = ["discard_payload", "replace_with_payload", "replay_payload", "retry_payload"]
