"""The names of ATTN's keys in Redis. They are a contract: docs/reference/redis-keys.md.

Braces keep the keys of one lesson in one slot of a Redis Cluster. No key of a
lesson ever expires: only `discard_if_unchanged` removes it. Of the names, only a short
code expires that stands for no lesson which is live.

    attn:{<lesson id>}:lesson     hash        data, revision, record_count, event_count,
                                              starts_at, ends_at, phase, clock, checksum;
                                              and roster_changes, a hint for boards
    attn:{<lesson id>}:records    hash        school number -> envelope of one record
    attn:{<lesson id>}:events     list        envelope of one event each, oldest first
    attn:{<lesson id>}:refusals   hash        refused check-ins, by student and code
    attn:{<lesson id>}:corrupt    list        <field>|<bytes a script met in place of a record>
    attn:{<lesson id>}:roster     hash        school number -> envelope of the full name: a copy
                                              of who is expected, for the check-in
    attn:{<lesson id>}:requests   hash        request id -> envelope with the revision of its event
                                              and a digest of what was asked for
    attn:{<lesson id>}:scans      hash        id of a scan -> school number of who has used it
    attn:{<lesson id>}:guesses    hash        school number -> how many wrong codes they have typed;
                                              * for all, letters where the typed code is longer
    attn:{<lesson id>}:devices    hash        school number -> digest of the browser of their mark
    attn:{<lesson id>}:outbox     hash        school number -> check-in for the verifier, with its
                                              next attempt; outlives the lesson until it is sent
    attn:{queue}:due              sorted set  lesson id, scored by ends_at in epoch ms
    attn:{queue}:parked           sorted set  lesson id, scored by its next attempt in epoch ms
    attn:{queue}:outboxes         sorted set  lesson id with external checks, scored by ends_at
    attn:{queue}:site             hash        id of the site; runs and commits, by which stores of
                                              different ages are told apart
    attn:{queue}:discarded        sorted set  lesson id, scored by when it left, for 35 days
    attn:{queue}:names            sorted set  <lesson id>|<name> of lessons that are about to leave:
                                              names that a later run frees
    attn:{queue}:<name>:damaged   any         what stood in place of a queue
    attn:teacher:<school number>  string      id of the teacher's live lesson
    attn:code:<short code>        string      id of the lesson that is joined by this code; or
                                              over:<lesson id>, for 150 days
    attn:section:<section id>     string      id of the section's live lesson
"""

from uuid import UUID

DUE = "attn:{queue}:due"
PARKED = "attn:{queue}:parked"
OUTBOXES = "attn:{queue}:outboxes"
SITE = "attn:{queue}:site"
DISCARDED = "attn:{queue}:discarded"
NAMES = "attn:{queue}:names"


def lesson(lesson_id: UUID) -> str:
    """The hash of a lesson itself."""
    return f"attn:{{{lesson_id}}}:lesson"


def records(lesson_id: UUID | str) -> str:
    """The hash of its records."""
    return f"attn:{{{lesson_id}}}:records"


def events(lesson_id: UUID) -> str:
    """The list of its events."""
    return f"attn:{{{lesson_id}}}:events"


def refusals(lesson_id: UUID) -> str:
    """The hash of its refused check-ins."""
    return f"attn:{{{lesson_id}}}:refusals"


def corrupt(lesson_id: UUID) -> str:
    """The list of bytes that scripts met in place of its records."""
    return f"attn:{{{lesson_id}}}:corrupt"


def roster(lesson_id: UUID) -> str:
    """The hash of who is expected; PostgreSQL is the truth."""
    return f"attn:{{{lesson_id}}}:roster"


def requests(lesson_id: UUID) -> str:
    """The hash of its events by request id; the events are the truth."""
    return f"attn:{{{lesson_id}}}:requests"


def scans(lesson_id: UUID) -> str:
    """The hash of its used scans: each makes one mark."""
    return f"attn:{{{lesson_id}}}:scans"


def guesses(lesson_id: UUID) -> str:
    """The hash of its wrong typed codes, by student."""
    return f"attn:{{{lesson_id}}}:guesses"


def devices(lesson_id: UUID) -> str:
    """The hash of the browsers that its marks came from, as digests of this lesson alone."""
    return f"attn:{{{lesson_id}}}:devices"


def outbox(lesson_id: UUID) -> str:
    """The hash of its check-ins that wait for the external verifier."""
    return f"attn:{{{lesson_id}}}:outbox"


def damaged(queue: str) -> str:
    """Where bytes are kept that stood in place of a queue."""
    return f"{queue}:damaged"


def teacher(school_number: str) -> str:
    """The key that names the live lesson of a teacher."""
    return f"attn:teacher:{school_number}"


def code(short_code: str) -> str:
    """The key that names the lesson of a short code."""
    return f"attn:code:{short_code}"


def section(section_id: int) -> str:
    """The key that names the live lesson of a section."""
    return f"attn:section:{section_id}"


def of_lesson(lesson_id: UUID) -> list[str]:
    """Every key that leaves with its lesson, in the order that scripts take them."""
    parts = (lesson, records, events, corrupt, refusals, roster, requests, scans, guesses, devices)
    return [key(lesson_id) for key in parts]
