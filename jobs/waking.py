"""Tells the threads of this process that a job was enqueued, so that it does not wait."""

import threading

AWAKE = threading.Event()
"""Set once a job is committed; whoever waits for it clears it."""
LANES_AWAKE = threading.Event()
"""The same for jobs of lanes."""
MORE_OF_LANES = threading.Event()
"""Set by whoever begins a job of a lane: those of other lanes need not wait for its end."""


def wake() -> None:
    AWAKE.set()
    LANES_AWAKE.set()
