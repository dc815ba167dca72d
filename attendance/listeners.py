"""Signals, translated to services: of courses, where something changes, and of the database.

Every process listens, and in few something happens: the services are imported by what happens.
"""

from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, post_save

from courses.signals import absence_changed, enrolments_changed, roster_changed, rules_changed
from users.models import MergeKind, PersonMerge, User


def connect(app: AppConfig) -> None:
    """Listen; called once, when the application is ready."""
    connection_created.connect(_commit_to_disk, dispatch_uid="attendance.durable_commits")
    post_migrate.connect(_keep_commits, sender=app, dispatch_uid="attendance.durable_commits")
    roster_changed.connect(_copy_roster, dispatch_uid="attendance.rosters")
    enrolments_changed.connect(_tell_enrolments, dispatch_uid="attendance.webhooks")
    enrolments_changed.connect(_judge_roster, dispatch_uid="attendance.warnings")
    absence_changed.connect(_excuse, dispatch_uid="attendance.excusing")
    rules_changed.connect(_judge_anew, dispatch_uid="attendance.warnings")
    post_save.connect(_tell_merge, sender=PersonMerge, dispatch_uid="attendance.webhooks")
    post_save.connect(_merged, sender=User, dispatch_uid="attendance.totals")


def _copy_roster(section_id: int, **kwargs: Any) -> None:
    from attendance.services.rosters import live_rosters

    live_rosters.refresh_rosters_of(section_id)


def _excuse(absence_id: int, **kwargs: Any) -> None:
    from attendance.services.rosters import excusing

    excusing.follow_absence(absence_id)


def _judge_anew(section_id: int, **kwargs: Any) -> None:
    from reports import totals

    totals.judge_by_new_rules(section_id)


def _judge_roster(section_id: int, **kwargs: Any) -> None:
    from reports import totals

    totals.judge_by_new_roster(section_id)


def _tell_enrolments(section_id: int, **kwargs: Any) -> None:
    """In the transaction of an enrolment or an import; one of many rows is told once."""
    from webhooks.telling import Happening, new_cause, tell
    from webhooks.vocabulary import WebhookKind

    tell([Happening(WebhookKind.ENROLMENT_CHANGED, new_cause(), {"section_id": section_id})])


def _tell_merge(instance: PersonMerge, **kwargs: Any) -> None:
    from webhooks.telling import Happening, Value, tell
    from webhooks.vocabulary import WebhookKind

    data: dict[str, Value] = {
        "school_number": instance.duplicate.school_number,
        "into": instance.into.school_number,
        "merged": instance.kind == MergeKind.MERGE,
    }
    tell([Happening(WebhookKind.PERSON_MERGED, str(instance.pk), data)])


def _merged(instance: User, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    """In the transaction of a merge, or of one that is taken back: whose marks they are changes.

    Of one that is taken back, the root is known by the merges of this account alone.
    """
    if update_fields is None or "merged_into" not in update_fields:
        return
    from reports import totals

    roots = instance.merges.values_list("into_id", flat=True)
    totals.recompute_people([instance.pk, *set(roots)])


def _commit_to_disk(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    from attendance.services.stores import durable_commits

    durable_commits.raise_for_session(connection)


def _keep_commits(**kwargs: Any) -> None:
    from attendance.services.stores import durable_commits

    durable_commits.raise_for_role()
