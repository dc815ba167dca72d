"""The scheduled job and its executions, to look at.

The library's own pages offer to run a job: that starts a second scheduler with
another job store, which removes our row because it holds no pickled job.
"""

# It registers the pages that are taken away below: without it they would come back later.
import django_apscheduler.admin  # noqa: F401 - for what it registers
from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from users.admin_base import ReadOnlyAdmin

for model in (DjangoJob, DjangoJobExecution):
    admin.site.unregister(model)

# By what they are for, not by the library that keeps them.
apps.get_app_config("django_apscheduler").verbose_name = _("Scheduler")
DjangoJob._meta.verbose_name, DjangoJob._meta.verbose_name_plural = _("job"), _("jobs")
DjangoJobExecution._meta.verbose_name = _("run of a job")
DjangoJobExecution._meta.verbose_name_plural = _("runs of jobs")


@admin.register(DjangoJob)
class DjangoJobAdmin(ReadOnlyAdmin[DjangoJob]):
    list_display = ("id", "next_run_time")
    exclude = ("job_state",)


@admin.register(DjangoJobExecution)
class DjangoJobExecutionAdmin(ReadOnlyAdmin[DjangoJobExecution]):
    list_display = ("run_time", "status", "duration", "exception")
    list_filter = ("status", "run_time")
    list_select_related = ("job",)
    ordering = ("-id",)
