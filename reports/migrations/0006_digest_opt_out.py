import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import users.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0005_warnings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DigestOptOut",
            fields=[
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+", serialize=False, to=settings.AUTH_USER_MODEL, verbose_name="person")),
                ("since", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "verbose_name": "daily mail not wanted",
                "verbose_name_plural": "daily mails not wanted",
                "constraints": [users.constraints.instants_are_sane("digest_opt_out_instant_is_sane", "since")],
            },
        ),
    ]
