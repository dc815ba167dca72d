"""The SQL of warnings; shares are compared as whole numbers, so nothing is rounded."""

from typing import Final

_MS: Final = (
    "(floor(extract(epoch FROM a.ends_at) * 1000)"
    " - floor(extract(epoch FROM a.starts_at) * 1000))::bigint"
)

_PAIRS: Final = """pairs AS MATERIALIZED (
        SELECT * FROM unnest(%(of_sections)s::int8[], %(of_users)s::int8[])
               AS f(section_id, user_id)
    )"""

MOVED: Final = """
    WITH lessons AS MATERIALIZED (
        SELECT a.id, a.section_id,
               a.id = ANY(%(changed)s::uuid[]) OR coalesce(p.counted = 'days' OR p.min_days > 0
                   OR (p.must_exceed AND p.warn_permille >= 1000), false) AS are_all_judged,
               CASE WHEN p.min_lessons > 1
                    THEN p.min_lessons + count(*) OVER (PARTITION BY a.section_id) END AS few
          FROM attendance_attendance AS a
          LEFT JOIN courses_section AS s ON s.id = a.section_id
          LEFT JOIN courses_policy AS p ON p.id = s.policy_id
         WHERE a.id = ANY(%(lessons)s) AND a.section_id IS NOT NULL
    )
    SELECT l.section_id, coalesce(u.merged_into_id, u.id) AS person
      FROM lessons AS l
     CROSS JOIN LATERAL (
            SELECT student_id, status FROM attendance_attendancerecord
             WHERE attendance_id = l.id
            -- As in `reports.statements.ADD`: by the index, however few rows the table has.
            OFFSET 0) AS r
      JOIN users_user AS u ON u.id = r.student_id
     WHERE l.are_all_judged OR r.status <> 'present' OR (l.few IS NOT NULL AND l.few > (
           SELECT coalesce(sum(t.n), 0) FROM reports_sectiontotal AS t
            WHERE t.section_id = l.section_id AND t.user_id = coalesce(u.merged_into_id, u.id)
              AND t.status <> 'excused' AND t.status <> 'pending'))
     UNION
    SELECT w.section_id, coalesce(u.merged_into_id, w.user_id)
      FROM reports_figurewarning AS w LEFT JOIN users_user AS u ON u.id = w.user_id
     WHERE w.retracted_at IS NULL AND w.section_id IN (SELECT section_id FROM lessons)"""
"""Of the people in new lessons, and in changed ones, whoever may be warned now or no longer.

A mark of a new lesson that says present makes no share smaller and no row longer. So it opens
nothing, but where the lesson is the one from which on somebody is judged, where days are counted,
or where all there is is too little; and it retracts only what is open.
"""

HAVE_LEFT: Final = """
    WITH stays AS (
        SELECT e.section_id, coalesce(u.merged_into_id, u.id) AS user_id,
               e.ends_on IS NULL OR e.ends_on >= s.ends_on OR (e.ends_on > e.begins_on
                   AND e.ends_on > (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date) AS lasts
          FROM courses_enrolment AS e
          JOIN users_user AS u ON u.id = e.user_id
          JOIN courses_section AS s ON s.id = e.section_id
         WHERE e.role = 'student' AND e.section_id = ANY(%(sections)s)
    )
    SELECT section_id, user_id FROM stays WHERE NOT lasts
    EXCEPT SELECT section_id, user_id FROM stays WHERE lasts"""
"""Who was on the roster and left it before the section's end. A walk-in was never on it."""

WARNED: Final = """
    SELECT DISTINCT section_id FROM reports_figurewarning
     WHERE retracted_at IS NULL AND kind = ANY(%(kinds)s)"""

EVERYBODY: Final = """
    SELECT section_id, user_id FROM reports_sectiontotal WHERE section_id = ANY(%(sections)s)
     UNION SELECT section_id, user_id FROM reports_figurewarning
     WHERE section_id = ANY(%(sections)s) AND retracted_at IS NULL"""

SHARE: Final = f"""
    WITH {_PAIRS}, rules AS MATERIALIZED (
        SELECT s.id AS section_id, p.counted, p.excused_as, p.basis, p.warn_permille,
               p.min_lessons, p.must_exceed, greatest(0, coalesce(p.planned, 0)::numeric
                   * CASE p.counted WHEN 'hours' THEN 3600000 ELSE 1 END
                   - CASE WHEN p.basis = 'best' THEN (
                       SELECT coalesce(sum(CASE p.counted WHEN 'hours' THEN {_MS} ELSE 1 END), 0)
                         FROM attendance_attendance AS a
                        WHERE a.section_id = s.id AND a.deleted_at IS NULL
                          AND a.not_held_at IS NULL) END) AS still
          FROM courses_section AS s JOIN courses_policy AS p ON p.id = s.policy_id
         WHERE s.id = ANY(%(sections)s)
    ), worth AS (
        SELECT t.section_id, t.user_id, t.status, t.n,
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
          FROM pairs AS f
          JOIN rules AS r ON r.section_id = f.section_id
          JOIN reports_sectiontotal AS t
               ON t.section_id = f.section_id AND t.user_id = f.user_id
    ), sums AS (
        SELECT section_id, user_id, sum(n) AS lessons, sum(weight) AS weight,
               coalesce(sum(n) FILTER (WHERE status = ANY(%(here)s)), 0) AS here,
               sum(weight::numeric * permille) AS credit
          FROM worth WHERE permille IS NOT NULL GROUP BY section_id, user_id
    )
    SELECT s.section_id, s.user_id, s.lessons, s.here, s.weight, s.credit
      FROM sums AS s JOIN rules AS r ON r.section_id = s.section_id
     CROSS JOIN LATERAL (
            SELECT CASE r.basis WHEN 'best' THEN r.still ELSE 0 END AS ahead) AS h
     CROSS JOIN LATERAL (
            SELECT s.credit + 1000 * h.ahead AS reached,
                   r.warn_permille * (s.weight + h.ahead) AS bound) AS c
     WHERE s.weight > 0 AND s.lessons >= r.min_lessons
       AND (c.reached < c.bound OR (r.must_exceed AND c.reached = c.bound))"""
"""Weights are milliseconds where hours are counted, and credit is in thousandths of a weight."""

MISSED_OFTEN: Final = f"""
    WITH {_PAIRS}
    SELECT f.section_id, f.user_id
      FROM pairs AS f
      JOIN courses_section AS s ON s.id = f.section_id
      JOIN courses_policy AS p ON p.id = s.policy_id
      JOIN reports_sectiontotal AS t
           ON t.section_id = f.section_id AND t.user_id = f.user_id
              AND t.status = ANY(%(missed)s)
     GROUP BY f.section_id, f.user_id, p.in_a_row HAVING sum(t.n) >= p.in_a_row"""

_NOT_TAKEN: Final = """a.deleted_at IS NULL AND a.not_held_at IS NULL
       AND NOT EXISTS (
           SELECT FROM attendance_attendancerecord AS r
            WHERE r.attendance_id = a.id AND r.deleted_at IS NULL AND r.source <> 'system')"""

MAYBE_NOT_TAKEN: Final = f"""
    SELECT section_id FROM reports_figurewarning
     WHERE retracted_at IS NULL AND kind = 'not_taken' AND section_id = ANY(%(sections)s)
     UNION
    SELECT a.section_id FROM attendance_attendance AS a
     WHERE a.id = ANY(%(lessons)s) AND a.section_id = ANY(%(sections)s) AND {_NOT_TAKEN}"""

NOT_TAKEN: Final = f"""
    SELECT a.section_id, coalesce(u.merged_into_id, u.id), count(*), min(a.held_on),
           max(a.held_on)
      FROM attendance_attendance AS a JOIN users_user AS u ON u.id = a.teacher_id
     WHERE a.section_id = ANY(%(sections)s) AND {_NOT_TAKEN}
     GROUP BY 1, 2"""

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

OPEN: Final = """
    SELECT w.id, w.kind, w.section_id, w.user_id, coalesce(u.merged_into_id, w.user_id)
      FROM reports_figurewarning AS w LEFT JOIN users_user AS u ON u.id = w.user_id
     WHERE w.retracted_at IS NULL
       AND (%(is_of_all)s OR w.section_id = ANY(%(sections)s)
            OR (w.kind = ANY(%(of_users)s)
                AND coalesce(u.merged_into_id, w.user_id) = ANY(%(users)s)))"""
"""Those that may have to be retracted, with the root account of the person."""

RETRACT: Final = """
    UPDATE reports_figurewarning
       SET retracted_at = greatest(%(at)s, raised_at), retracted_because = %(because)s
     WHERE id = ANY(%(ids)s) AND retracted_at IS NULL
    RETURNING id"""

RAISE: Final = """
    INSERT INTO reports_figurewarning
           (section_id, user_id, kind, figures, policy_id, raised_at, raised_because,
            retracted_because)
    SELECT f.section_id, f.user_id, f.kind, f.figures, f.policy_id, %(at)s, %(because)s, ''
      FROM unnest(%(sections)s::int8[], %(users)s::int8[], %(kinds)s::text[],
                  %(policies)s::int8[], %(figures)s::jsonb[])
           AS f(section_id, user_id, kind, policy_id, figures)
     ORDER BY 1, 2, 3
        ON CONFLICT (section_id, user_id, kind) WHERE retracted_at IS NULL DO NOTHING
    RETURNING id"""
