from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = _("attendance")

    def ready(self) -> None:
        # Registers the system checks; the scheduler is not started here.
        from attendance import checks, listeners  # noqa: F401
        from attendance.web import devices, second_factor, sign_in_events, sign_in_notes

        listeners.connect(self)
        devices.connect()
        second_factor.connect()
        sign_in_notes.connect()
        sign_in_events.connect()
