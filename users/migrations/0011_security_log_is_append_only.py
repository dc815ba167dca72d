"""Events of the security log are append-only: a trigger lets nothing through but three changes.

The same once more is counted; a person who is erased is taken out; and what is old is removed by
whoever says so.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION security_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counts CONSTANT text[] := ARRAY['times', 'last_at'];
    people CONSTANT text[] := ARRAY['actor_id', 'subject_id'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_setting('attn.removes_old_security_events', true) = 'yes'
           AND OLD.happened_at < now() - interval '6 days' THEN
            RETURN OLD;
        END IF;
    ELSIF to_jsonb(NEW) - counts = to_jsonb(OLD) - counts
          AND NEW.times > OLD.times AND NEW.last_at >= OLD.last_at THEN
        RETURN NEW;
    ELSIF to_jsonb(NEW) - people = to_jsonb(OLD) - people
          AND (NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id OR (
               NEW.actor_id IS NULL
               AND NOT EXISTS (SELECT 1 FROM users_user WHERE id = OLD.actor_id)))
          AND (NEW.subject_id IS NOT DISTINCT FROM OLD.subject_id OR (
               NEW.subject_id IS NULL
               AND NOT EXISTS (SELECT 1 FROM users_user WHERE id = OLD.subject_id))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'security events are append-only: % is refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'security_event_is_append_only';
END $$;
CREATE TRIGGER security_event_is_append_only
    BEFORE UPDATE OR DELETE ON users_securityevent
    FOR EACH ROW EXECUTE FUNCTION security_event_is_append_only();
ALTER TABLE users_securityevent
    ADD CONSTRAINT security_event_actor_exists
        FOREIGN KEY (actor_id) REFERENCES users_user (id) ON DELETE SET NULL,
    ADD CONSTRAINT security_event_subject_exists
        FOREIGN KEY (subject_id) REFERENCES users_user (id) ON DELETE SET NULL;
"""

BACKWARD = """
ALTER TABLE users_securityevent
    DROP CONSTRAINT security_event_actor_exists,
    DROP CONSTRAINT security_event_subject_exists;
DROP TRIGGER security_event_is_append_only ON users_securityevent;
DROP FUNCTION security_event_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("users", "0010_security_log")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
