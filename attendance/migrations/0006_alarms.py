import datetime
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION alarm_acknowledgement_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'acknowledgements of alarms are append-only: % is refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'alarm_acknowledgement_is_append_only';
END $$;
CREATE TRIGGER alarm_acknowledgement_is_append_only
    BEFORE UPDATE OR DELETE ON attendance_alarmacknowledgement
    FOR EACH ROW EXECUTE FUNCTION alarm_acknowledgement_is_append_only();
"""

BACKWARD = """
DROP TRIGGER alarm_acknowledgement_is_append_only ON attendance_alarmacknowledgement;
DROP FUNCTION alarm_acknowledgement_is_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0005_request_digest'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AlarmAcknowledgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor_name', models.CharField(max_length=200, verbose_name="actor's name then")),
                ('acknowledged_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('reason', models.CharField(max_length=500, verbose_name='why')),
            ],
            options={
                'verbose_name': 'acknowledgement of an alarm',
                'verbose_name_plural': 'acknowledgements of alarms',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='AlarmEpisode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, verbose_name='alarm')),
                ('subject', models.CharField(blank=True, max_length=200, verbose_name='of')),
                ('cause', models.TextField(blank=True, verbose_name='cause')),
                ('began_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='first seen at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
            ],
            options={
                'verbose_name': 'alarm',
                'verbose_name_plural': 'alarms',
                'ordering': ('-id',),
            },
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='settled_at',
            field=models.DateTimeField(null=True, verbose_name='settled at'),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='settled_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='settled by'),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='settled_reason',
            field=models.CharField(blank=True, db_default='', max_length=500, verbose_name='why settled'),
        ),
        migrations.AddConstraint(
            model_name='lessonledger',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('settled_by', None), ('settled_reason', '')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), models.Q(('settled_reason', ''), _negated=True)), _connector='OR'), name='lesson_ledger_settled_is_explained'),
        ),
        migrations.AddField(
            model_name='alarmacknowledgement',
            name='actor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by'),
        ),
        migrations.AddConstraint(
            model_name='alarmepisode',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('code', 'subject'), name='alarm_episode_open_once'),
        ),
        migrations.AddConstraint(
            model_name='alarmepisode',
            constraint=models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='alarm_episode_has_a_code'),
        ),
        migrations.AddConstraint(
            model_name='alarmepisode',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('began_at')), _connector='OR'), name='alarm_episode_ends_not_before_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='alarmepisode',
            constraint=models.CheckConstraint(condition=models.Q(('began_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('ended_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='alarm_episode_instants_are_sane'),
        ),
        migrations.AddField(
            model_name='alarmacknowledgement',
            name='episode',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgements', to='attendance.alarmepisode', verbose_name='alarm'),
        ),
        migrations.AddConstraint(
            model_name='alarmacknowledgement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), _negated=True), models.Q(('actor_name', ''), _negated=True)), name='alarm_acknowledgement_is_explained'),
        ),
        migrations.AddConstraint(
            model_name='alarmacknowledgement',
            constraint=models.CheckConstraint(condition=models.Q(('acknowledged_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='alarm_acknowledgement_instant_is_sane'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
