"""Events are append-only: a trigger refuses to change or to delete one."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION attendance_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'attendance events are append-only: % is refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'attendance_event_is_append_only';
END $$;
CREATE TRIGGER attendance_event_is_append_only
    BEFORE UPDATE OR DELETE ON attendance_attendanceevent
    FOR EACH ROW EXECUTE FUNCTION attendance_event_is_append_only();
"""

BACKWARD = """
DROP TRIGGER attendance_event_is_append_only ON attendance_attendanceevent;
DROP FUNCTION attendance_event_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("attendance", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
