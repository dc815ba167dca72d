import datetime
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION user_number_is_written_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever takes a number of their own back has it as their present one again.
    DELETE FROM users_formernumber WHERE number = NEW.school_number AND user_id = NEW.id;
    INSERT INTO users_formernumber (number, user_id, changed_at)
        VALUES (OLD.school_number, NEW.id, statement_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER user_number_is_written_down
    AFTER UPDATE OF school_number ON users_user
    FOR EACH ROW WHEN (OLD.school_number IS DISTINCT FROM NEW.school_number)
    EXECUTE FUNCTION user_number_is_written_down();

-- After the row is in: it has waited for whoever gives the number up, and sees what they wrote.
-- Named so that it runs after the other trigger.
CREATE FUNCTION user_number_was_nobody_elses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM users_formernumber WHERE number = NEW.school_number) THEN
        RAISE EXCEPTION 'school number % was somebody else''s', NEW.school_number
            USING ERRCODE = '23AT1', CONSTRAINT = 'user_number_was_nobody_elses';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER user_number_was_nobody_elses
    AFTER INSERT OR UPDATE OF school_number ON users_user
    FOR EACH ROW EXECUTE FUNCTION user_number_was_nobody_elses();
"""

BACKWARD = """
DROP TRIGGER user_number_was_nobody_elses ON users_user;
DROP FUNCTION user_number_was_nobody_elses();
DROP TRIGGER user_number_is_written_down ON users_user;
DROP FUNCTION user_number_is_written_down();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0003_person_merge'),
    ]

    operations = [
        migrations.CreateModel(
            name='FormerNumber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=32, unique=True, verbose_name='school number')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='changed at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_numbers', to=settings.AUTH_USER_MODEL, verbose_name='now of')),
            ],
            options={
                'verbose_name': 'former number',
                'verbose_name_plural': 'former numbers',
                'ordering': ('number',),
            },
        ),
        migrations.AddConstraint(
            model_name='formernumber',
            constraint=models.CheckConstraint(condition=models.Q(('number__regex', '^[A-Z0-9][A-Z0-9._-]{0,31}$')), name='former_number_is_canonical'),
        ),
        migrations.AddConstraint(
            model_name='formernumber',
            constraint=models.CheckConstraint(condition=models.Q(('changed_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='former_number_instant_is_sane'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
