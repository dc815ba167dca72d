"""Remembering that somebody was deleted, and not who."""

from django.utils import timezone

from users.derived_keys import Purpose, fingerprints
from users.models import ErasedNumber


def remember_erased(number: str) -> None:
    """Inside the transaction that deletes whoever had this number."""
    at = timezone.now()
    # With each key: a receipt of the next one may meet what a process with this one has erased.
    ErasedNumber.objects.bulk_create(
        [
            ErasedNumber(fingerprint=each, erased_at=at)
            for each in fingerprints(number, Purpose.ERASED_NUMBERS)
        ],
        update_conflicts=True,
        unique_fields=["fingerprint"],
        update_fields=["erased_at"],
    )
