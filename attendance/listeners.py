"""Signals, translated to services: of courses, where something changes, and of the database."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from attendance.services import durable_commits, excusing, rosters
from courses.signals import absence_changed, roster_changed


def connect(app: AppConfig) -> None:
    """Listen; called once, when the application is ready."""
    connection_created.connect(_commit_to_disk, dispatch_uid="attendance.durable_commits")
    post_migrate.connect(_keep_commits, sender=app, dispatch_uid="attendance.durable_commits")
    roster_changed.connect(_copy_roster, dispatch_uid="attendance.rosters")
    absence_changed.connect(_excuse, dispatch_uid="attendance.excusing")


def _copy_roster(section_id: int, **kwargs: Any) -> None:
    rosters.refresh_rosters_of(section_id)


def _excuse(absence_id: int, **kwargs: Any) -> None:
    excusing.follow_absence(absence_id)


def _commit_to_disk(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    durable_commits.raise_for_session(connection)


def _keep_commits(**kwargs: Any) -> None:
    durable_commits.raise_for_role()
