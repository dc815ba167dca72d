"""The SQL of warnings; shares are compared as whole numbers, so nothing is rounded."""

from typing import Final

_MS: Final = (
    "(floor(extract(epoch FROM a.ends_at) * 1000)"
    " - floor(extract(epoch FROM a.starts_at) * 1000))::bigint"
)

EVERYBODY: Final = """
    SELECT user_id FROM reports_sectiontotal WHERE section_id = %(section)s
     UNION SELECT user_id FROM reports_figurewarning
     WHERE section_id = %(section)s AND retracted_at IS NULL"""

SHARE: Final = f"""
    WITH rules AS MATERIALIZED (
        SELECT p.*, greatest(0, coalesce(p.planned, 0)::numeric
                   * CASE p.counted WHEN 'hours' THEN 3600000 ELSE 1 END
                   - CASE WHEN p.basis = 'best' THEN (
                       SELECT coalesce(sum(CASE p.counted WHEN 'hours' THEN {_MS} ELSE 1 END), 0)
                         FROM attendance_attendance AS a
                        WHERE a.section_id = s.id AND a.deleted_at IS NULL
                          AND a.not_held_at IS NULL) END) AS still
          FROM courses_section AS s JOIN courses_policy AS p ON p.id = s.policy_id
         WHERE s.id = %(section)s
    ), worth AS (
        SELECT t.user_id, t.status, t.n,
               CASE r.counted WHEN 'hours' THEN t.milliseconds ELSE t.n END AS weight,
               CASE t.status
                   WHEN 'present' THEN 1000
                   WHEN 'late' THEN t.late_permille
                   WHEN 'absent' THEN 0
                   WHEN 'rejected' THEN 0
                   WHEN 'excused' THEN
                       CASE WHEN r.excused_as = 'absent' OR t.effect = 'counts_absent' THEN 0
                            WHEN t.effect = 'counts_present' THEN 1000 END
               END AS permille
          FROM rules AS r JOIN reports_sectiontotal AS t
               ON t.section_id = %(section)s AND t.user_id = ANY(%(users)s)
    ), sums AS (
        SELECT user_id, sum(n) AS lessons, sum(weight) AS weight,
               coalesce(sum(n) FILTER (WHERE status = ANY(%(here)s)), 0) AS here,
               sum(weight::numeric * permille) AS credit
          FROM worth WHERE permille IS NOT NULL GROUP BY user_id
    )
    SELECT s.user_id, s.lessons, s.here, s.weight, s.credit
      FROM sums AS s CROSS JOIN rules AS r
     CROSS JOIN LATERAL (
            SELECT CASE r.basis WHEN 'best' THEN r.still ELSE 0 END AS ahead) AS h
     CROSS JOIN LATERAL (
            SELECT s.credit + 1000 * h.ahead AS reached,
                   r.warn_permille * (s.weight + h.ahead) AS bound) AS c
     WHERE s.weight > 0 AND s.lessons >= r.min_lessons
       AND (c.reached < c.bound OR (r.must_exceed AND c.reached = c.bound))"""
"""Weights are milliseconds where hours are counted, and credit is in thousandths of a weight."""

MISSED_OFTEN: Final = """
    SELECT user_id FROM reports_sectiontotal
     WHERE section_id = %(section)s AND user_id = ANY(%(users)s) AND status = ANY(%(missed)s)
     GROUP BY user_id HAVING sum(n) >= %(most)s"""

NOT_TAKEN: Final = """
    SELECT coalesce(u.merged_into_id, u.id), count(*), min(a.held_on), max(a.held_on)
      FROM attendance_attendance AS a JOIN users_user AS u ON u.id = a.teacher_id
     WHERE a.section_id = %(section)s AND a.deleted_at IS NULL AND a.not_held_at IS NULL
       AND NOT EXISTS (
           SELECT FROM attendance_attendancerecord AS r
            WHERE r.attendance_id = a.id AND r.deleted_at IS NULL AND r.source <> 'system')
     GROUP BY 1"""

DAYS: Final = """
    WITH listed AS (
        SELECT e.section_id, coalesce(u.merged_into_id, u.id) AS person, s.policy_id,
               p.days_without AS allowed, e.begins_on, e.ends_on, s.starts_on, d.today
          FROM courses_section AS s
          JOIN courses_policy AS p ON p.id = s.policy_id AND p.days_without IS NOT NULL
          JOIN courses_enrolment AS e ON e.section_id = s.id AND e.role = 'student'
               AND (e.ends_on IS NULL OR e.ends_on > e.begins_on)
          JOIN users_user AS u ON u.id = e.user_id
         CROSS JOIN LATERAL (
                SELECT (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date AS today) AS d
         WHERE s.archived_at IS NULL AND d.today >= s.starts_on AND d.today < s.ends_on
           AND (%(sections)s::int8[] IS NULL OR s.id = ANY(%(sections)s))
           AND (%(users)s::int8[] IS NULL
                OR coalesce(u.merged_into_id, u.id) = ANY(%(users)s))
    ), owing AS (
        SELECT section_id, person, policy_id, allowed, today,
               greatest(min(begins_on), min(starts_on)) AS since
          FROM listed GROUP BY section_id, person, policy_id, allowed, today
        HAVING bool_or(begins_on <= today AND (ends_on IS NULL OR ends_on > today))
    )
    SELECT o.section_id, o.person, o.policy_id,
           o.today - greatest(o.since, l.last_on) AS days, l.last_on
      FROM owing AS o
      LEFT JOIN LATERAL (
           SELECT max(last_on) AS last_on FROM reports_sectiontotal
            WHERE user_id = o.person AND status = ANY(%(here)s)) AS l ON true
     WHERE o.today - greatest(o.since, l.last_on) >= o.allowed"""

RETRACT: Final = """
    WITH found AS (
        SELECT * FROM unnest(%(of_sections)s::int8[], %(of_users)s::int8[])
               AS f(section_id, user_id)
    )
    UPDATE reports_figurewarning AS w
       SET retracted_at = greatest(%(at)s, w.raised_at), retracted_because = %(because)s
     WHERE w.retracted_at IS NULL AND w.kind = %(kind)s
       AND (%(sections)s::int8[] IS NULL OR w.section_id = ANY(%(sections)s))
       AND (%(users)s::int8[] IS NULL OR w.user_id IN (
                SELECT id FROM users_user
                 WHERE id = ANY(%(users)s) OR merged_into_id = ANY(%(users)s)))
       AND NOT EXISTS (SELECT FROM found AS f
                        WHERE f.section_id = w.section_id AND f.user_id = w.user_id)
    RETURNING w.id"""
"""Of an account that became a part of another one nothing is found, so its warnings end."""

RAISE: Final = """
    INSERT INTO reports_figurewarning
           (section_id, user_id, kind, figures, policy_id, raised_at, raised_because,
            retracted_because)
    SELECT f.section_id, f.user_id, %(kind)s, f.figures, f.policy_id, %(at)s, %(because)s, ''
      FROM unnest(%(of_sections)s::int8[], %(of_users)s::int8[], %(policies)s::int8[],
                  %(figures)s::jsonb[]) AS f(section_id, user_id, policy_id, figures)
     ORDER BY 1, 2
        ON CONFLICT (section_id, user_id, kind) WHERE retracted_at IS NULL DO NOTHING
    RETURNING id"""
