"""Django's admin for staff.

Attendances and records change through the services only, in views of their own:
Django runs its change views in a transaction, and the services commit for
themselves.
"""

from django.contrib import admin

from attendance.admin import alarms, books, jobs, outgoing, quarantine, register, signing_in

__all__ = ["alarms", "books", "jobs", "outgoing", "quarantine", "register", "signing_in"]

# Breadcrumbs lead up, and the first page lists everything: the width is for the rows.
admin.site.enable_nav_sidebar = False
