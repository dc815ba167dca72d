"""The one place from which others hear of warnings: mail after a while, and webhooks at once."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from jobs.tasks import enqueue_all
from reports.models import FigureWarning, WarningLetter
from reports.warnings.letters import begin_letters, send_retraction
from webhooks.telling import Happening, kinds_heard
from webhooks.telling import tell as tell_webhooks
from webhooks.vocabulary import WebhookKind


def tell(*, raised: Sequence[int], retracted: Sequence[int], at: datetime) -> None:
    """Written into the transaction that has raised and retracted these warnings."""
    if raised and settings.EMAIL_IS_SET_UP:
        later = at + settings.WARNING_SETTLES_IN
        begin = [
            begin_letters.using(once=str(pk), run_after=later).job(warning_id=pk) for pk in raised
        ]
        enqueue_all(begin)
    if retracted:
        _tell_retracted(retracted)
    told = {WebhookKind.WARNING_RAISED: raised, WebhookKind.WARNING_RETRACTED: retracted}
    heard = kinds_heard() if raised or retracted else frozenset()
    tell_webhooks(
        [each for kind, ids in told.items() if kind in heard for each in _happenings(kind, ids)]
    )


def _tell_retracted(warning_ids: Sequence[int]) -> None:
    """Whoever has a letter, sent or about to be sent; whoever has none was not warned."""
    letters = WarningLetter.objects.filter(warning__in=warning_ids).order_by("pk")
    jobs = [
        send_retraction.using(once=str(pk)).job(letter_id=pk)
        for pk in letters.values_list("pk", flat=True)
    ]
    if jobs:
        enqueue_all(jobs)


def _happenings(kind: WebhookKind, warning_ids: Sequence[int]) -> list[Happening]:
    if not warning_ids:
        return []
    rows = FigureWarning.objects.filter(pk__in=warning_ids).select_related("user")
    return [
        Happening(
            kind,
            str(row.pk),
            {
                "warning_id": row.pk,
                "section_id": row.section_id,
                "school_number": row.user.school_number,
                "kind": row.kind,
            },
        )
        for row in rows.order_by("pk")
    ]
