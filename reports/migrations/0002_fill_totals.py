"""Totals of what was stored before there were any; an empty table is quickly filled.

The statement is a copy: later ones of the application may need later tables.
"""

from django.db import migrations

FILL = """
    WITH accounts AS MATERIALIZED (
        SELECT DISTINCT a.section_id, coalesce(u.merged_into_id, u.id) AS person, u.id AS user_id,
               u.school_number
          FROM attendance_attendance AS a
          JOIN attendance_attendancerecord AS r ON r.attendance_id = a.id
          JOIN users_user AS u ON u.id = r.student_id
         WHERE a.section_id IS NOT NULL
    ), chosen AS (
        SELECT DISTINCT ON (x.section_id, x.person, a.id)
               x.section_id, x.person, a.held_on, coalesce(p.late_credit_permille, 1000) AS late,
               floor(extract(epoch FROM a.ends_at) * 1000)::bigint
               - floor(extract(epoch FROM a.starts_at) * 1000)::bigint AS ms,
               r.status, r.absence_id, r.deleted_at,
               bool_or(r.is_expected) OVER (PARTITION BY x.section_id, x.person, a.id) AS expected
          FROM accounts AS x
          JOIN attendance_attendance AS a ON a.section_id = x.section_id
               AND a.deleted_at IS NULL AND a.not_held_at IS NULL
          JOIN attendance_attendancerecord AS r
               ON r.attendance_id = a.id AND r.student_id = x.user_id
          LEFT JOIN courses_policy AS p ON p.id = a.policy_id
         ORDER BY x.section_id, x.person, a.id, r.deleted_at IS NOT NULL,
               CASE r.source WHEN 'staff' THEN 4 WHEN 'teacher' THEN 3 WHEN 'verifier' THEN 2
               WHEN 'system' THEN 0 ELSE 1 END DESC,
               CASE WHEN r.source IN ('staff', 'teacher', 'verifier') THEN -r.revision
               WHEN r.source = 'system' THEN (r.status <> 'excused')::int::bigint
               WHEN r.checked_in_at IS NULL THEN 4102444800000
               ELSE floor(extract(epoch FROM r.checked_in_at) * 1000)::bigint END,
               CASE WHEN r.source IN ('staff', 'teacher', 'verifier', 'system')
               THEN -floor(extract(epoch FROM r.changed_at) * 1000)::bigint
               ELSE r.revision END,
               x.school_number COLLATE "C"
    )
    INSERT INTO reports_sectiontotal
           (section_id, user_id, status, effect, late_permille, n, milliseconds, last_on)
    SELECT m.section_id, m.person, m.status,
           CASE WHEN m.status = 'excused' THEN coalesce(w.effect, 'neutral') ELSE '' END,
           CASE WHEN m.status = 'late' THEN m.late ELSE 0 END,
           count(*), sum(m.ms)::bigint, max(m.held_on)
      FROM chosen AS m
      LEFT JOIN courses_absence AS b ON b.id = m.absence_id
      LEFT JOIN courses_absencereason AS w ON w.id = b.reason_id
     WHERE m.expected AND m.deleted_at IS NULL
     GROUP BY 1, 2, 3, 4, 5"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_totals"),
        ("attendance", "0014_receipts_that_wait"),
        ("courses", "0004_rules_of_figures"),
        ("users", "0011_security_log_is_append_only"),
    ]

    operations = [
        # Each lesson changes a row of everybody in it: with room on its page no index is written.
        migrations.RunSQL(
            "ALTER TABLE reports_sectiontotal SET (fillfactor = 70)",
            "ALTER TABLE reports_sectiontotal RESET (fillfactor)",
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
