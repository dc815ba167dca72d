"""The unified persistence task: what Redis captured becomes rows in PostgreSQL, users first.

task         the entry: chunk after chunk until nothing waits, and the report
candidates   which lessons a run looks at, cut into chunks
lanes        two chunks at a time
chunks       one chunk: claim, snapshot, users, rows, commit, discard; and its retries
snapshots    what was read from Redis, sorted by what PostgreSQL has of it
people       whoever has to have a user before its rows are written
row_values   what a lesson, a record and an event look like as rows
rows         writing them: straight in, or forward only
halving      a lesson that the database refuses, until the refused payloads stand alone
quarantine   payloads that cannot be read or stored, kept byte for byte
sums         promise 6: captured = read = stored, for each lesson
parked       lessons that a run cannot persist: their state, their pause, their report
discard      Redis forgets what PostgreSQL has committed
lost         lessons that the ledger has and Redis does not hold
dry_run      reads and compares, and changes nothing
report, runs the report of a run, and its row
failpoints   named steps at which tests interfere
"""

from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.task import Observer, unified_persistence_task

__all__ = ["Observer", "RunOptions", "unified_persistence_task"]
