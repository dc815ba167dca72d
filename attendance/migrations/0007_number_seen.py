from django.db import migrations, models

FILL = """
UPDATE attendance_attendancerecord AS r SET school_number = u.school_number
  FROM users_user AS u WHERE u.id = r.student_id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('attendance', '0006_alarms'),
        ('users', '0004_former_number'),
    ]

    operations = [
        migrations.AddField(
            model_name='attendancerecord',
            name='school_number',
            field=models.CharField(default='', max_length=32, verbose_name='number seen at the lesson'),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='attendancerecord',
            constraint=models.UniqueConstraint(fields=('attendance', 'school_number'), name='attendance_record_once_per_number'),
        ),
        migrations.AddConstraint(
            model_name='attendancerecord',
            constraint=models.CheckConstraint(condition=models.Q(('school_number__regex', '^[A-Z0-9][A-Z0-9._-]{0,31}$')), name='attendance_record_number_is_canonical'),
        ),
    ]
