from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Lessons are stored while the indexes are made.
    atomic = False

    dependencies = [
        ("attendance", "0015_marks_that_are_asked_for"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="lessonledger",
            index=models.Index(
                condition=models.Q(
                    models.Q(("state__in", ["discarded", "lost"]), _negated=True),
                    models.Q(("settled_at", None), ("state", "lost")),
                    ("last_error__startswith", "rewound"),
                    ("incomplete_since__isnull", False),
                    _connector="OR",
                ),
                fields=["lesson_id"],
                name="lesson_ledger_watched",
            ),
        ),
        AddIndexConcurrently(
            model_name="lessonledger",
            index=models.Index(
                condition=models.Q(("state", "lost")),
                fields=["lesson_id"],
                name="lesson_ledger_lost",
            ),
        ),
        AddIndexConcurrently(
            model_name="lessonledger",
            index=models.Index(
                fields=["-starts_at", "-lesson_id"], name="lesson_ledger_newest_first"
            ),
        ),
    ]
