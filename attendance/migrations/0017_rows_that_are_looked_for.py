from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Lessons are stored while the indexes are made.
    atomic = False

    dependencies = [
        ("attendance", "0016_lessons_that_are_looked_for"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attendance",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["-starts_at", "-id"],
                name="attendance_deleted",
            ),
        ),
        AddIndexConcurrently(
            model_name="attendancerecord",
            index=models.Index(
                condition=models.Q(("status", "rejected")),
                fields=["-attendance", "full_name"],
                name="attendance_record_rejected",
            ),
        ),
        AddIndexConcurrently(
            model_name="attendancerecord",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["-attendance", "full_name"],
                name="attendance_record_deleted",
            ),
        ),
        AddIndexConcurrently(
            model_name="refusedcheckin",
            index=models.Index(fields=["school_number"], name="refused_check_in_of_a_number"),
        ),
    ]
