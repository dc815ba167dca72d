"""A task that stops at a named step, for a test to kill it there."""

VICTIM = """
import os, signal
from attendance.services.persistence import failpoints
from attendance.services.persistence import unified_persistence_task
def die(lesson_ids):
    os.kill(os.getpid(), signal.SIGKILL)
with failpoints.installed(sys.argv[1], die):
    unified_persistence_task()
"""
