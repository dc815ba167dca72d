"""Tells the thread of this process that a job was enqueued, so that nobody waits for its look."""

import threading

AWAKE = threading.Event()
"""Set once a job is committed; whoever waits for it clears it."""


def wake() -> None:
    AWAKE.set()
