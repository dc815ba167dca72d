"""The SQL of totals: pairs of a section and a person in, rows of totals out.

A person is known by the root account. Of somebody with several accounts, the effective mark of
each lesson counts: the order is that of `attendance.rules.effective`, which a test holds it to.
"""

from typing import Final

from attendance.rules.effective import DECISIONS
from attendance.rules.instants import LAST_MS
from attendance.rules.precedence import RANK, SYSTEM

_RANK: Final = "CASE r.source {} END".format(
    " ".join(f"WHEN '{source}' THEN {rank}" for source, rank in RANK.items())
)
_DECIDES: Final = "r.source IN ({})".format(", ".join(f"'{each}'" for each in sorted(DECISIONS)))


def _ms(at: str) -> str:
    """Epoch milliseconds; microseconds are cut off, as Python does it."""
    return f"floor(extract(epoch FROM {at}) * 1000)::bigint"


_FIRST_OF_EQUALS: Final = (
    f"CASE WHEN {_DECIDES} THEN -r.revision"
    f" WHEN r.source = '{SYSTEM}' THEN (r.status <> 'excused')::int::bigint"
    f" WHEN r.checked_in_at IS NULL THEN {LAST_MS} ELSE {_ms('r.checked_in_at')} END"
)
_THEN: Final = (
    f"CASE WHEN {_DECIDES} OR r.source = '{SYSTEM}' THEN -{_ms('r.changed_at')} ELSE r.revision END"
)

PAIRS_OF_LESSONS: Final = """
    SELECT DISTINCT a.section_id, coalesce(u.merged_into_id, u.id) AS person
      FROM attendance_attendance AS a
      JOIN attendance_attendancerecord AS r ON r.attendance_id = a.id
      JOIN users_user AS u ON u.id = r.student_id
     WHERE a.id = ANY(%(lessons)s) AND a.section_id IS NOT NULL
       AND (%(users)s::int8[] IS NULL OR r.student_id = ANY(%(users)s))"""

PAIRS_OF_PEOPLE: Final = """
    SELECT DISTINCT found.section_id, coalesce(u.merged_into_id, u.id) AS person
      FROM (SELECT a.section_id, r.student_id AS user_id
              FROM attendance_attendancerecord AS r
              JOIN attendance_attendance AS a ON a.id = r.attendance_id
             WHERE r.student_id = ANY(%(users)s) AND a.section_id IS NOT NULL
             UNION
            SELECT section_id, user_id FROM reports_sectiontotal
             WHERE user_id = ANY(%(users)s)) AS found
      JOIN users_user AS u ON u.id = found.user_id"""

PAIRS_OF_SECTIONS: Final = """
    SELECT DISTINCT found.section_id, coalesce(u.merged_into_id, u.id) AS person
      FROM (SELECT a.section_id, r.student_id AS user_id
              FROM attendance_attendance AS a
              JOIN attendance_attendancerecord AS r ON r.attendance_id = a.id
             WHERE a.section_id = ANY(%(sections)s)
             UNION
            SELECT section_id, user_id FROM reports_sectiontotal
             WHERE section_id = ANY(%(sections)s)) AS found
      JOIN users_user AS u ON u.id = found.user_id"""

# `pairs` comes before this. Marks of people with one account, who are nearly all, are not sorted.
_MARKS: Final = f"""
    accounts AS MATERIALIZED (
        SELECT section_id, person, person AS user_id FROM pairs
         UNION ALL
        SELECT p.section_id, p.person, m.id
          FROM pairs AS p JOIN users_user AS m ON m.merged_into_id = p.person
    ), twice AS MATERIALIZED (
        SELECT section_id, person FROM accounts GROUP BY section_id, person HAVING count(*) > 1
    ), lessons AS MATERIALIZED (
        SELECT a.id, a.section_id, a.held_on, a.starts_at,
               coalesce(p.late_credit_permille, 1000) AS late,
               {_ms("a.ends_at")} - {_ms("a.starts_at")} AS ms
          FROM attendance_attendance AS a LEFT JOIN courses_policy AS p ON p.id = a.policy_id
         WHERE a.section_id IN (SELECT section_id FROM pairs)
           AND a.deleted_at IS NULL AND a.not_held_at IS NULL
    ), marks AS (
        SELECT x.section_id, x.person, l.id, l.starts_at, l.held_on, l.late, l.ms,
               r.status, r.absence_id
          FROM accounts AS x
          JOIN lessons AS l ON l.section_id = x.section_id
          JOIN attendance_attendancerecord AS r
               ON r.attendance_id = l.id AND r.student_id = x.user_id
         WHERE r.is_expected AND r.deleted_at IS NULL
           AND (x.section_id, x.person) NOT IN (SELECT section_id, person FROM twice)
         UNION ALL
        SELECT section_id, person, id, starts_at, held_on, late, ms, status, absence_id
          FROM (SELECT DISTINCT ON (x.section_id, x.person, l.id)
                       x.section_id, x.person, l.id, l.starts_at, l.held_on, l.late, l.ms,
                       r.status, r.absence_id, r.deleted_at,
                       bool_or(r.is_expected) OVER (PARTITION BY x.section_id, x.person, l.id)
                       AS was_expected
                  FROM twice AS t
                  JOIN accounts AS x ON x.section_id = t.section_id AND x.person = t.person
                  JOIN users_user AS u ON u.id = x.user_id
                  JOIN lessons AS l ON l.section_id = x.section_id
                  JOIN attendance_attendancerecord AS r
                       ON r.attendance_id = l.id AND r.student_id = x.user_id
                 ORDER BY x.section_id, x.person, l.id, r.deleted_at IS NOT NULL, {_RANK} DESC,
                       {_FIRST_OF_EQUALS}, {_THEN}, u.school_number COLLATE "C") AS chosen
         WHERE was_expected AND deleted_at IS NULL
    ), worth AS (
        SELECT m.section_id, m.person AS user_id, m.status, m.held_on, m.ms, m.starts_at,
               m.id AS lesson_id,
               CASE WHEN m.status = 'excused' THEN coalesce(w.effect, 'neutral') ELSE '' END
               AS effect,
               CASE WHEN m.status = 'late' THEN m.late ELSE 0 END AS late_permille
          FROM marks AS m
          LEFT JOIN courses_absence AS b ON b.id = m.absence_id
          LEFT JOIN courses_absencereason AS w ON w.id = b.reason_id
    )"""

_BETWEEN: Final = """AND EXISTS (
               SELECT FROM unnest(%(sections)s::int8[], %(first)s::date[], %(last)s::date[])
                      AS span(section_id, first, last)
                WHERE span.section_id = a.section_id
                  AND a.held_on BETWEEN span.first AND span.last)
           AND a.deleted_at IS NULL"""

_COMPUTED: Final = f"""{_MARKS}, computed AS MATERIALIZED (
        SELECT section_id, user_id, status, effect, late_permille,
               count(*) AS n, sum(ms)::bigint AS milliseconds, max(held_on) AS last_on
          FROM worth GROUP BY 1, 2, 3, 4, 5
    )"""

MARKS_BETWEEN: Final = f"""
    WITH pairs AS MATERIALIZED (
        SELECT * FROM unnest(%(of_sections)s::int8[], %(of_users)s::int8[])
               AS p(section_id, person)
    ), {_MARKS.replace("AND a.deleted_at IS NULL", _BETWEEN, 1)}
    SELECT section_id, user_id, status FROM worth ORDER BY starts_at DESC, lesson_id DESC"""
"""Statuses of people in sections, of the lessons of some days of each, the latest first."""

DAYS_OF_PEOPLE: Final = f"""
    WITH pairs AS MATERIALIZED (
        SELECT * FROM unnest(%(of_sections)s::int8[], %(of_users)s::int8[])
               AS p(section_id, person)
    ), {_MARKS}, counted AS (
        SELECT w.section_id, w.user_id, w.held_on, w.ms, w.status IN ('present', 'late') AS is_here,
               CASE w.status
                   WHEN 'present' THEN 1000
                   WHEN 'late' THEN w.late_permille
                   WHEN 'absent' THEN 0
                   WHEN 'rejected' THEN 0
                   WHEN 'excused' THEN
                       CASE WHEN r.is_absence OR w.effect = 'counts_absent' THEN 0
                            WHEN w.effect = 'counts_present' THEN 1000 END
               END AS permille
          FROM worth AS w
          JOIN unnest(%(sections)s::int8[], %(are_absences)s::bool[])
               AS r(section_id, is_absence) ON r.section_id = w.section_id
    ), days AS (
        SELECT section_id, user_id, held_on, count(*) AS lessons,
               count(*) FILTER (WHERE is_here) AS here, sum(ms)::bigint AS ms,
               sum(permille)::bigint AS credit, sum(permille * ms)::bigint AS credit_ms
          FROM counted WHERE permille IS NOT NULL GROUP BY 1, 2, 3
    )
    SELECT section_id, user_id, lessons, count(*), sum(here)::bigint, sum(ms)::bigint,
           sum(credit)::bigint, sum(credit_ms)::bigint
      FROM days GROUP BY 1, 2, 3"""
"""Of people in sections, by their root accounts: their days with one lesson that counts, with two,
and so on; of all these days the lessons to which they came, the length, and the credit in
thousandths of a lesson and of a millisecond."""

_SAME_KEY: Final = (
    "(c.section_id, c.user_id, c.status, c.effect, c.late_permille)"
    " = (t.section_id, t.user_id, t.status, t.effect, t.late_permille)"
)


def recompute(pairs: str) -> str:
    """Bring the totals of pairs in line with their marks; what is right is not written again."""
    return f"""
    WITH pairs AS MATERIALIZED ({pairs}
    ), {_COMPUTED}, gone AS (
        DELETE FROM reports_sectiontotal AS t USING accounts AS x
         WHERE t.section_id = x.section_id AND t.user_id = x.user_id
           AND NOT EXISTS (SELECT FROM computed AS c WHERE {_SAME_KEY})
    )
    INSERT INTO reports_sectiontotal AS t
           (section_id, user_id, status, effect, late_permille, n, milliseconds, last_on)
    SELECT section_id, user_id, status, effect, late_permille, n, milliseconds, last_on
      FROM computed
        ON CONFLICT (section_id, user_id, status, effect, late_permille) DO UPDATE
       SET n = EXCLUDED.n, milliseconds = EXCLUDED.milliseconds, last_on = EXCLUDED.last_on
     WHERE (t.n, t.milliseconds, t.last_on)
           IS DISTINCT FROM (EXCLUDED.n, EXCLUDED.milliseconds, EXCLUDED.last_on)"""


ADD: Final = f"""
    WITH lessons AS MATERIALIZED (
        SELECT a.id, a.section_id, a.held_on, coalesce(p.late_credit_permille, 1000) AS late,
               {_ms("a.ends_at")} - {_ms("a.starts_at")} AS ms
          FROM attendance_attendance AS a LEFT JOIN courses_policy AS p ON p.id = a.policy_id
         WHERE a.id = ANY(%(lessons)s) AND a.section_id IS NOT NULL
           AND a.deleted_at IS NULL AND a.not_held_at IS NULL
    )
    INSERT INTO reports_sectiontotal AS t
           (section_id, user_id, status, effect, late_permille, n, milliseconds, last_on)
    SELECT l.section_id, r.student_id, r.status,
           CASE WHEN r.status = 'excused' THEN coalesce(w.effect, 'neutral') ELSE '' END,
           CASE WHEN r.status = 'late' THEN l.late ELSE 0 END,
           count(*), sum(l.ms)::bigint, max(l.held_on)
      FROM lessons AS l
     CROSS JOIN LATERAL (
            SELECT student_id, status, absence_id FROM attendance_attendancerecord
             WHERE attendance_id = l.id AND is_expected AND deleted_at IS NULL
            -- By the index of each lesson, however few the table has: it is not read through.
            OFFSET 0) AS r
      LEFT JOIN courses_absence AS b ON b.id = r.absence_id
      LEFT JOIN courses_absencereason AS w ON w.id = b.reason_id
     WHERE r.student_id NOT IN (
               SELECT id FROM users_user WHERE merged_into_id IS NOT NULL
                UNION ALL
               SELECT merged_into_id FROM users_user WHERE merged_into_id IS NOT NULL)
     GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (section_id, user_id, status, effect, late_permille) DO UPDATE
       SET n = t.n + EXCLUDED.n, milliseconds = t.milliseconds + EXCLUDED.milliseconds,
           last_on = greatest(t.last_on, EXCLUDED.last_on)"""
"""The marks of lessons that are in no total yet, of people with one account."""

PAIRS_OF_MERGED: Final = """
    SELECT DISTINCT a.section_id, u.merged_into_id AS person
      FROM users_user AS u
      JOIN attendance_attendancerecord AS r
           ON r.attendance_id = ANY(%(lessons)s) AND r.student_id IN (u.id, u.merged_into_id)
      JOIN attendance_attendance AS a ON a.id = r.attendance_id
     WHERE u.merged_into_id IS NOT NULL AND a.section_id IS NOT NULL"""

ANY_MERGED: Final = "SELECT EXISTS (SELECT FROM users_user WHERE merged_into_id IS NOT NULL)"

COMPARE: Final = f"""
    WITH pairs AS MATERIALIZED ({PAIRS_OF_SECTIONS}
    ), {_COMPUTED}, stored AS (
        SELECT * FROM reports_sectiontotal WHERE section_id = ANY(%(sections)s)
    ), wrong AS (
        SELECT coalesce(t.section_id, c.section_id) AS section_id,
               coalesce(t.user_id, c.user_id) AS user_id
          FROM stored AS t FULL JOIN computed AS c ON {_SAME_KEY}
         WHERE (t.n, t.milliseconds, t.last_on)
               IS DISTINCT FROM (c.n, c.milliseconds, c.last_on)
    )
    SELECT (SELECT count(*) FROM pairs),
           ARRAY(SELECT DISTINCT section_id || ' ' || user_id FROM wrong ORDER BY 1)"""
"""One statement, so that marks and totals are seen at the same moment."""

FORGET_ERASED: Final = """
    DELETE FROM reports_sectiontotal AS t WHERE t.section_id = ANY(%(sections)s)
       AND NOT EXISTS (SELECT FROM users_user AS u WHERE u.id = t.user_id)"""
"""Of accounts that somebody has deleted with all that pointed to them."""

SECTIONS: Final = """
    SELECT section_id FROM attendance_attendance WHERE section_id > %(after)s
     UNION SELECT section_id FROM reports_sectiontotal WHERE section_id > %(after)s
     ORDER BY section_id LIMIT %(limit)s"""
"""The next ones that have lessons or totals."""
