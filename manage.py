#!/usr/bin/env python
"""Django's command line for ATTN; `./attn manage` runs it with the servers up."""

import gc
import os
import sys

from django.core.management import execute_from_command_line

ALLOCATIONS_BETWEEN_COLLECTIONS = 10_000


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "attn_project.settings")
    # What a start makes stays until the end: to look for garbage in it takes a fifth of the start,
    # most of it at the exit, where Python looks through everything again.
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS)
    try:
        execute_from_command_line(sys.argv)
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
