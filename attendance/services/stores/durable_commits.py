"""What PostgreSQL acknowledges is on its disk, whatever its server's default is.

With `synchronous_commit=off` a commit is acknowledged before it is written: a mark that Redis
has forgotten since, or a correction that somebody was told of, is gone with the server. A
stricter setting (remote_write, remote_apply) stays.
"""

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

RAISED = (
    "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'"
    " ELSE current_setting('synchronous_commit') END"
)
"""SQL for what it has to be."""

_DEFAULT_OF_THE_ROLE = """
DO $$ BEGIN
    IF (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') IN ('off', 'local')
    THEN
        EXECUTE format(
            'ALTER ROLE %I IN DATABASE %I SET synchronous_commit = on',
            session_user, current_database()
        );
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'synchronous_commit stays %', current_setting('synchronous_commit');
END $$
"""


def raise_for_session(opened: BaseDatabaseWrapper) -> None:
    """Once for a connection, as it is opened. Behind a pooler, others have the session next.

    Raises django.db.Error; the connection is closed then, so that none without it is used.
    """
    if settings.DATABASE_POOLED:
        return
    try:
        with opened.cursor() as cursor:
            cursor.execute(f"SELECT set_config('synchronous_commit', {RAISED}, false)")
    except BaseException:
        opened.close()
        raise


def raise_for_role() -> None:
    """Behind a pooler: the default of the site's account in its database, where it is weak.

    An account may set this for itself. A connection that the pooler has already keeps what it
    was opened with; the check and the alarm say so.
    """
    if not settings.DATABASE_POOLED:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DEFAULT_OF_THE_ROLE)
