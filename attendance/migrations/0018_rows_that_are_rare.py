from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Lessons are stored while the indexes are made.
    atomic = False

    dependencies = [
        ("attendance", "0017_rows_that_are_looked_for"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="attendanceevent",
            index=models.Index(fields=["-happened_at"], name="attendance_event_happened"),
        ),
        AddIndexConcurrently(
            model_name="persistencerun",
            index=models.Index(condition=models.Q(("trigger", "scheduler"), _negated=True), fields=["trigger", "-id"], name="persistence_run_unscheduled"),
        ),
        AddIndexConcurrently(
            model_name="persistencerun",
            index=models.Index(condition=models.Q(("is_interrupted", True)), fields=["-id"], name="persistence_run_interrupted"),
        ),
        AddIndexConcurrently(
            model_name="persistencerun",
            index=models.Index(fields=["-started_at"], name="persistence_run_started"),
        ),
        AddIndexConcurrently(
            model_name="quarantinedpayload",
            index=models.Index(condition=models.Q(("state", "open")), fields=["-id"], name="quarantined_payload_open"),
        ),
        AddIndexConcurrently(
            model_name="refusedcheckin",
            index=models.Index(fields=["-last_at"], name="refused_check_in_last"),
        ),
    ]
