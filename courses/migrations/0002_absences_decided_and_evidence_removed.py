"""Absences asked for once, evidence removed in time, closures taken back; effects that stay."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

EFFECT = """
CREATE FUNCTION absence_reason_effect_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM courses_absence WHERE reason_id = OLD.id) THEN
        RAISE EXCEPTION 'the effect of a reason that is used stays as it is'
            USING ERRCODE = 'integrity_constraint_violation',
                  CONSTRAINT = 'absence_reason_effect_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER absence_reason_effect_stays
    BEFORE UPDATE ON courses_absencereason
    FOR EACH ROW WHEN (OLD.effect IS DISTINCT FROM NEW.effect OR OLD.code IS DISTINCT FROM NEW.code)
    EXECUTE FUNCTION absence_reason_effect_stays();
"""

BACKWARD = """
DROP TRIGGER absence_reason_effect_stays ON courses_absencereason;
DROP FUNCTION absence_reason_effect_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='absence',
            name='absence_is_not_too_long',
        ),
        migrations.RemoveConstraint(
            model_name='absenceevidence',
            name='absence_evidence_instant_is_sane',
        ),
        migrations.AddField(
            model_name='absence',
            name='request_id',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='absenceevidence',
            name='removed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='removed at'),
        ),
        migrations.AddField(
            model_name='closure',
            name='reopened_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='taken back at'),
        ),
        migrations.AddField(
            model_name='closure',
            name='reopened_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='taken back by'),
        ),
        migrations.AddIndex(
            model_name='absence',
            index=models.Index(condition=models.Q(('state', 'requested')), fields=['id'], name='absence_to_decide'),
        ),
        migrations.AddIndex(
            model_name='absenceevidence',
            index=models.Index(condition=models.Q(('removed_at', None)), fields=['kept_until'], name='absence_evidence_to_remove'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.UniqueConstraint(condition=models.Q(('request_id', ''), _negated=True), fields=('requested_by', 'request_id'), name='absence_asked_for_once'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.LessThanOrEqual(models.ExpressionWrapper(django.db.models.expressions.CombinedExpression(models.F('ends_at'), '-', models.F('starts_at')), output_field=models.DurationField()), datetime.timedelta(days=366)), name='absence_is_not_too_long'),
        ),
        migrations.AddConstraint(
            model_name='absenceevidence',
            constraint=models.CheckConstraint(condition=models.Q(('added_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('removed_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='absence_evidence_instant_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reopened_at', None), ('reopened_by', None)), models.Q(('reopened_at__isnull', False), ('reopened_by__isnull', False)), _connector='OR'), name='closure_is_reopened_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('reopened_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='closure_reopened_at_is_sane'),
        ),
        migrations.RunSQL(EFFECT, BACKWARD),
    ]
