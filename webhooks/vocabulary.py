"""What is told to other systems, and what can become of one delivery."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class WebhookKind(TextChoices):
    """The type of an event, as it stands in its body. A type never changes its meaning."""

    LESSON_STARTED = "lesson.started", _("a lesson has begun")
    LESSON_ENDED = "lesson.ended", _("a lesson is over")
    LESSON_NOT_HELD = "lesson.not_held", _("a lesson was not held, or was after all")
    ATTENDANCE_PERSISTED = "attendance.persisted", _("a lesson is stored, or stored again")
    RECORD_CORRECTED = "record.corrected", _("a stored mark was changed")
    ENROLMENT_CHANGED = "enrolment.changed", _("the roster of a course was changed")
    WARNING_RAISED = "warning.raised", _("a warning was raised")
    WARNING_RETRACTED = "warning.retracted", _("a warning was retracted")
    PERSON_MERGED = "person.merged", _("two accounts became one, or two again")
    PING = "ping", _("a ping, sent by hand")


CHOSEN = [kind for kind in WebhookKind if kind is not WebhookKind.PING]
"""A ping goes to the endpoint that somebody asks for, whatever it has chosen."""


class DeliveryState(TextChoices):
    WAITING = "waiting", _("waits")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("given up")
    DROPPED = "dropped", _("not sent: the endpoint was switched off")
