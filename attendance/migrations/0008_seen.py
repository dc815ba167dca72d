from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0007_number_seen'),
    ]

    operations = [
        migrations.CreateModel(
            name='LessonWord',
            fields=[
                ('lesson_id', models.UUIDField(primary_key=True, serialize=False)),
                ('revision', models.BigIntegerField()),
                ('record_count', models.PositiveIntegerField()),
                ('request', models.CharField(blank=True, max_length=200)),
                ('lost', models.PositiveIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='accepted_revision',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='incomplete_since',
            field=models.DateTimeField(null=True, verbose_name='incomplete since'),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='missing_count',
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name='records missing'),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='seen_revision',
            field=models.BigIntegerField(db_default=0, default=0, verbose_name='newest revision seen'),
        ),
        migrations.AddField(
            model_name='lessonledger',
            name='stored_revision',
            field=models.BigIntegerField(null=True, verbose_name='revision stored'),
        ),
    ]
