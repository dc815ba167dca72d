import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0008_seen'),
    ]

    operations = [
        migrations.CreateModel(
            name='KnownSite',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('is_own', models.BooleanField(default=False, verbose_name='this site')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='why it was adopted')),
                ('disagreement', models.TextField(blank=True, verbose_name='stores of different ages')),
                ('disagreed_at', models.DateTimeField(null=True, verbose_name='found at')),
            ],
            options={
                'verbose_name': 'site',
                'verbose_name_plural': 'sites',
            },
        ),
        migrations.AddField(
            model_name='persistencerun',
            name='commit_mark',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='persistencerun',
            name='live_mark',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name='knownsite',
            constraint=models.UniqueConstraint(condition=models.Q(('is_own', True)), fields=('is_own',), name='site_is_one_database'),
        ),
        migrations.AddConstraint(
            model_name='knownsite',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disagreed_at', None), ('disagreement', '')), models.Q(('disagreed_at__isnull', False), models.Q(('disagreement', ''), _negated=True)), _connector='OR'), name='site_disagreement_has_its_instant'),
        ),
        migrations.RunSQL("CREATE SEQUENCE attendance_commit_mark", "DROP SEQUENCE attendance_commit_mark"),
    ]
