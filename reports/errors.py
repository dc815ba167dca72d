"""What can be wrong with what is asked of a report, each with a stable code."""

from users.errors import AttnError
from users.errors import gettext_noop as _


class ReportError(AttnError):
    """Base of every error of reports."""

    code = "report_error"
    default_message = _("Something is wrong with this request for a report.")


class ReportNotFound(ReportError):
    code = "report_not_found"
    default_message = _("There is no such report.")


class SectionNeeded(ReportError):
    code = "section_needed"
    default_message = _("This report is of one course. Say of which one.")


class TooManyRows(ReportError):
    code = "too_many_rows"
    default_message = _(
        "A workbook has at most %(most)d rows. Choose fewer days, or take the file as CSV."
    )
    facts = frozenset({"most"})


class TooManyColumns(ReportError):
    code = "too_many_columns"
    default_message = _(
        "A workbook has at most %(most)d columns. Choose fewer days, or take the file as CSV."
    )
    facts = frozenset({"most"})


class InvalidDays(ReportError):
    code = "invalid_days"
    default_message = _("The first day is after the last one. Change one of them.")


class InvalidRevision(ReportError):
    code = "invalid_revision"
    default_message = _(
        '"%(revision)s" is no revision. Take `next` of the last manifest, or 0 for everything.'
    )
    facts = frozenset({"revision"})


class RevisionUnknown(ReportError):
    code = "revision_unknown"
    default_message = _(
        "The revision %(revision)s is of another database, or of a later state than this one has. "
        "Export everything with 0."
    )
    facts = frozenset({"revision"})


class ParquetUnavailable(ReportError):
    code = "parquet_unavailable"
    default_message = _(
        "Parquet needs pyarrow. Install requirements/parquet.txt, which is requirements.txt with "
        "pyarrow, or take csv.gz."
    )


class InvalidCaseStep(ReportError):
    code = "invalid_case_step"
    default_message = _(
        "Say what was done: a note has a text of at most 1,000 characters, and an end has a choice."
    )
