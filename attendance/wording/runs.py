"""A run's report in a sentence, for people."""

from django.utils.translation import gettext, ngettext

from attendance.services.persistence.report import PersistenceReport

MOST_TROUBLES = 5


def in_words(report: PersistenceReport) -> str:
    """What a run has done, and the first of what went wrong."""
    counts = report.totals.counts
    summary = ngettext(
        "%(lessons)d lesson: %(inserted)d records inserted, %(updated)d updated, "
        "%(unchanged)d unchanged, %(quarantined)d quarantined.",
        "%(lessons)d lessons: %(inserted)d records inserted, %(updated)d updated, "
        "%(unchanged)d unchanged, %(quarantined)d quarantined.",
        report.totals.lessons,
    ) % {
        "lessons": report.totals.lessons,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "quarantined": counts.quarantined,
    }
    # The report is in English; its sentence about an unavailable server is translated here.
    troubles = [gettext(report.unavailable), *(lesson.error for lesson in report.lessons)]
    return " ".join([summary, *[trouble for trouble in troubles if trouble][:MOST_TROUBLES]])
