"""Prints ATTN_STREAM_KEY: what the event stream needs to check tickets, and nothing else."""

from typing import Any

from django.core.management.base import BaseCommand

from users.derived_keys import Purpose, keys_for
from users.management.examples import WithExamples


class Command(WithExamples, BaseCommand):
    help = (
        "Print ATTN_STREAM_KEY for the event stream: the key that is derived from ATTN_SECRET_KEY, "
        "and one for each key in ATTN_SECRET_KEY_FALLBACKS, separated by commas."
    )
    examples = ("./attn manage stream_key",)
    # It is asked for before there is a database.
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        self.stdout.write(",".join(keys_for(Purpose.STREAM)))
