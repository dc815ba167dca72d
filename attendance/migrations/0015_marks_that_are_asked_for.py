from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Lessons are stored while the indexes are made.
    atomic = False

    dependencies = [
        ("attendance", "0014_receipts_that_wait"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attendancerecord",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["attendance"],
                name="attendance_record_waits",
            ),
        ),
        AddIndexConcurrently(
            model_name="attendancerecord",
            index=models.Index(
                condition=models.Q(("is_expected", False)),
                fields=["attendance"],
                name="attendance_record_walked_in",
            ),
        ),
    ]
