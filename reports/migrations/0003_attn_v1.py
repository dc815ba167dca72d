"""Views for a data team.

A view of `attn_v1` keeps its columns: later ones are added at the end by CREATE OR REPLACE, which
keeps the grants; what has to go, or to mean something else, makes `attn_v2`.

The statements are copies: later ones of the application may need later tables.
"""

from django.db import migrations

VIEWS = {
    "dim_person": (
        "Accounts of people, without number, name and address. One row for each account.",
        """SELECT u.id, coalesce(u.merged_into_id, u.id), u.role::text, u.is_active, u.created_at
             FROM users_user AS u""",
        {
            "account_key": "Key of the account, made by the database; says nothing of the person.",
            "person_key": "Key of the account that stands for the person: count people by this one. It changes where accounts are merged or taken apart.",
            "role": "student, teacher or staff.",
            "is_active": "Whether the account may sign in.",
            "created_at": "When the account was made.",
        },
    ),
    "dim_person_names": (
        "Who the accounts are. It has a grant of its own.",
        "SELECT u.id, u.school_number::text, u.full_name::text, nullif(u.email, '')::text FROM users_user AS u",
        {
            "account_key": "Key of the account, as in dim_person.",
            "school_number": "The number of the school that the account has now.",
            "full_name": "The name that the account has now.",
            "email": "The address of the account; empty where there is none.",
        },
    ),
    "dim_section": (
        "What is taught to one roster; pages call it a course. One row for each.",
        """SELECT s.id, s.code::text, s.title::text, s.component::text, c.code::text, c.title::text,
                  t.title::text, t.starts_on, t.ends_on, s.time_zone::text, s.location::text, s.parent_id,
                  s.starts_on, s.ends_on, s.archived_at
             FROM courses_section AS s
             JOIN courses_term AS t ON t.id = s.term_id
             LEFT JOIN courses_course AS c ON c.id = s.course_id""",
        {
            "section_key": "Key of the section.",
            "code": "Its code; may be empty.",
            "title": "Its title.",
            "component": "theory, lab, or empty for the whole course.",
            "course_code": "Code of the entry in the catalogue; empty where there is none.",
            "course_title": "Title of that entry.",
            "term_title": "The term.",
            "term_starts_on": "First day of the term.",
            "term_ends_on": "First day after the term.",
            "time_zone": "IANA name of the clock where it is taught.",
            "location": "Where it is taught; may be empty.",
            "parent_key": "The section whose group this one is; empty where it is none.",
            "starts_on": "First day of the section.",
            "ends_on": "First day after the section.",
            "archived_at": "When it was archived; empty where it is not.",
        },
    ),
    "dim_lesson": (
        "Stored lessons, also those that were not held or are flagged as deleted. One row for each.",
        """SELECT a.id, a.section_id, a.teacher_id, a.lesson_name::text, a.held_on, a.starts_at, a.ends_at,
                  a.late_after_s, a.absent_after_s, a.not_held_at IS NULL, a.roster_closed_at,
                  a.persisted_at, a.revision, a.deleted_at
             FROM attendance_attendance AS a""",
        {
            "lesson_key": "Key of the lesson.",
            "section_key": "Its section; empty for a lesson of none.",
            "teacher_account_key": "The account that started it.",
            "lesson_name": "Its name.",
            "held_on": "Its day by the clock of the section; empty for a lesson of none.",
            "starts_at": "When it began.",
            "ends_at": "When it ended.",
            "late_after_s": "Seconds after the start from which an arrival is late; empty where no rule says so.",
            "absent_after_s": "Seconds after the start from which an arrival counts as absent; empty where no rule says so.",
            "is_held": "False where somebody said that it was not held: it counts for nobody.",
            "roster_closed_at": "When those who were missing got their mark; empty where they did not.",
            "persisted_at": "When it was first stored.",
            "revision": "Counts up with each change of the lesson.",
            "deleted_at": "When it was flagged as deleted; empty where it is not.",
        },
    ),
    "fct_record": (
        "Marks: one row for each account in each stored lesson, also those that are flagged as deleted. No free text.",
        """SELECT r.id, r.attendance_id, r.student_id, r.status::text, r.source::text, r.is_expected,
                  r.checked_in_at, r.absence_id IS NOT NULL, r.reason <> '', r.revision, r.changed_at,
                  r.deleted_at
             FROM attendance_attendancerecord AS r""",
        {
            "record_key": "Key of the mark.",
            "lesson_key": "Its lesson.",
            "account_key": "Whose mark it is.",
            "status": "present, late, absent, excused, pending or rejected.",
            "source": "Who made it what it is: student, teacher, staff, system, verifier or receipt.",
            "is_expected": "Whether the account was on the roster then; empty where nobody knows.",
            "checked_in_at": "When the student checked in; empty where they did not.",
            "is_excused_by_absence": "Whether an approved absence is why it is excused.",
            "has_reason": "Whether somebody gave a reason. The reason itself is in no view.",
            "revision": "The revision of the lesson that made it what it is; 0 for a mark of the system.",
            "changed_at": "When it became what it is. A mark can be stored much later: follow changes by export_data.",
            "deleted_at": "When it was flagged as deleted; empty where it is not.",
        },
    ),
    "fct_event": (
        "What became of lessons and marks: one row for each event of a stored lesson. No free text.",
        """SELECT e.id, e.attendance_id, e.revision, e.kind::text, e.happened_at, e.student_id, e.actor_id,
                  e.source::text,
                  CASE WHEN e.student_id IS NOT NULL THEN nullif(e.old, '')::text END,
                  CASE WHEN e.student_id IS NOT NULL THEN nullif(e.new, '')::text END, e.reason <> ''
             FROM attendance_attendanceevent AS e""",
        {
            "event_key": "Key of the event.",
            "lesson_key": "Its lesson.",
            "revision": "Counts up in the lesson; no two events of it share one.",
            "kind": "What happened, such as record_corrected or lesson_extended.",
            "happened_at": "When.",
            "account_key": "Whose mark it is about; empty where it is about the lesson.",
            "actor_account_key": "Who did it.",
            "source": "As whom: student, teacher, staff, system, verifier or receipt.",
            "old": "What the mark was before; empty where there was none, and for events of the lesson.",
            "new": "What it was after.",
            "has_reason": "Whether somebody gave a reason. The reason itself is in no view.",
        },
    ),
    "fct_daily": (
        "Marks added up: one row for each day, section and account. Of lessons that are held and not deleted, at which the account was expected.",
        """SELECT a.held_on, a.section_id, r.student_id, count(*),
                  count(*) FILTER (WHERE r.status = 'present'),
                  count(*) FILTER (WHERE r.status = 'late'),
                  count(*) FILTER (WHERE r.status = 'absent'),
                  count(*) FILTER (WHERE r.status = 'excused'),
                  count(*) FILTER (WHERE r.status = 'pending'),
                  count(*) FILTER (WHERE r.status = 'rejected')
             FROM attendance_attendance AS a
             JOIN attendance_attendancerecord AS r ON r.attendance_id = a.id
            WHERE a.section_id IS NOT NULL AND a.deleted_at IS NULL AND a.not_held_at IS NULL
                  AND r.is_expected AND r.deleted_at IS NULL
            GROUP BY a.held_on, a.section_id, r.student_id""",
        {
            "held_on": "The day by the clock of the section.",
            "section_key": "The section.",
            "account_key": "The account. Of a person with two accounts both marks of a lesson are counted.",
            "expected": "Lessons at which the account was expected and has a mark.",
            "present": "Of them present.",
            "late": "Of them late.",
            "absent": "Of them absent.",
            "excused": "Of them excused.",
            "pending": "Of them waiting for a decision.",
            "rejected": "Of them rejected.",
        },
    ),
}


def _quoted(text):
    return "'{}'".format(text.replace("'", "''"))


def _create(name, comment, query, columns):
    view = f"attn_v1.{name}"
    yield f"CREATE VIEW {view} ({', '.join(columns)}) AS {query}"
    yield f"COMMENT ON VIEW {view} IS {_quoted(comment)}"
    for column, words in columns.items():
        yield f"COMMENT ON COLUMN {view}.{column} IS {_quoted(words)}"


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0002_fill_totals"),
        ("attendance", "0014_receipts_that_wait"),
        ("courses", "0004_rules_of_figures"),
        ("users", "0011_security_log_is_append_only"),
    ]

    operations = [
        # Somebody else may have made it, where this user may not; nobody but its owner may look in.
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS attn_v1", "DROP SCHEMA attn_v1"),
        migrations.RunSQL(
            [sql for name, (comment, query, columns) in VIEWS.items() for sql in _create(name, comment, query, columns)],
            [f"DROP VIEW attn_v1.{name}" for name in VIEWS],
        ),
    ]
