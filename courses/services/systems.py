"""The system that a row belongs to."""

from courses.models import SourceSystem
from courses.vocabulary import SystemKind

MANUAL = "manual"
"""The code of the system to which everything belongs that people enter here."""

CSV = "csv"
"""The code of the system of rosters that come as CSV files."""


def manual_system() -> SourceSystem:
    """The system of what is entered by hand, made where it is not there yet."""
    return SourceSystem.objects.get_or_create(
        code=MANUAL, defaults={"name": "ATTN", "kind": SystemKind.MANUAL}
    )[0]


def csv_system() -> SourceSystem:
    """The system of rosters from CSV files, made where it is not there yet."""
    return SourceSystem.objects.get_or_create(
        code=CSV, defaults={"name": "CSV", "kind": SystemKind.CSV}
    )[0]
