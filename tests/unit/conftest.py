"""No test here has a server."""

from tests.support.without_servers import (
    empty_live_store,
    patient_codes,
    quick_passwords,
    quick_static_files,
)

__all__ = ["empty_live_store", "patient_codes", "quick_passwords", "quick_static_files"]
