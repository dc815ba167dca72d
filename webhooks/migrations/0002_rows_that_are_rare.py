from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Deliveries go on while the index is made.
    atomic = False

    dependencies = [
        ("webhooks", "0001_initial"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(condition=models.Q(("state", "delivered"), _negated=True), fields=["state", "-id"], name="webhook_delivery_undelivered"),
        ),
    ]
