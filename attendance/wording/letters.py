"""One letter for each status: on buttons, keys and the register as a table."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from attendance.vocabulary import Status

LETTERS: Final[dict[str, str | Promise]] = {
    Status.PRESENT.value: pgettext_lazy("letter of present", "P"),
    Status.LATE.value: pgettext_lazy("letter of late", "L"),
    Status.ABSENT.value: pgettext_lazy("letter of absent", "A"),
    Status.EXCUSED.value: pgettext_lazy("letter of excused", "E"),
}
"""Of those that a person gives with one key."""

SIGNS: Final[dict[str, str | Promise]] = LETTERS | {
    Status.PENDING.value: "?",
    Status.REJECTED.value: "×",
}
"""Of all."""
