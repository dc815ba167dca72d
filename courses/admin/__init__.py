"""Courses in the admin.

The catalogue is edited here. Sections, enrolments, absences, closures and policies change
through the services only, in views of their own.
"""

from courses.admin import absences, catalogue, enrolments, sections

__all__ = ["absences", "catalogue", "enrolments", "sections"]
