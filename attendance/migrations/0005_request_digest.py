from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("attendance", "0004_rosters")]

    operations = [
        migrations.AddField(
            model_name="attendanceevent",
            name="request_digest",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=32
            ),
        ),
    ]
