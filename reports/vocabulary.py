"""What warnings are of, what changes them, and how a case goes on."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from attendance.rules.judging import Judgement


class WarningKind(TextChoices):
    SHARE = "share", _("too small a share")
    IN_A_ROW = "in_a_row", _("missed in a row")
    DAYS_WITHOUT = "days_without", _("days without attendance")
    NOT_TAKEN = "not_taken", _("register not taken")
    """Of the teacher who gave the lesson."""


class Because(TextChoices):
    """Which kind of change raised or retracted a warning."""

    MARKS = "marks", _("marks")
    MERGE = "merge", _("a merge of accounts, or its end")
    RULES = "rules", _("other rules")
    ROSTER = "roster", _("the roster")
    CLOCK = "clock", _("the day")
    REPAIR = "repair", _("a repair of totals")


class CaseStepKind(TextChoices):
    TAKEN = "taken", _("looked after")
    NOTED = "noted", _("a note")
    ENDED = "ended", _("ended")


class CaseEnding(TextChoices):
    TALKED = "talked", _("talked with the person")
    EXCUSED = "excused", _("excused")
    LEFT = "left", _("left the course")
    MISTAKE = "mistake", _("the warning was wrong")
    OTHER = "other", _("something else")


class JudgementInWords(TextChoices):
    """A judgement in words."""

    NOTHING_COUNTS = Judgement.NOTHING_COUNTS.value, _("nothing counts yet")
    NOT_JUDGED = Judgement.NOT_JUDGED.value, _("too early to say")
    ENOUGH = Judgement.ENOUGH.value, _("enough")
    BELOW = Judgement.BELOW.value, _("too little")
