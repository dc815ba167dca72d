"""Which lessons changed in which transaction: what export_data follows."""

from django.db import migrations, models


def _note(table, key):
    """Triggers that write down which lessons a statement has touched, once in a transaction."""
    function = f"{table}_notes_its_lesson"
    yield f"""
        CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO reports_touchedlesson (changed_in, lesson_id)
            SELECT DISTINCT pg_current_xact_id()::text::bigint, {key} FROM touched
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$"""
    for verb, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        yield f"""
            CREATE TRIGGER {table}_{verb.lower()}_is_noted AFTER {verb} ON {table}
            REFERENCING {rows} TABLE AS touched
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""


def _forget(table):
    for verb in ("insert", "update", "delete"):
        yield f"DROP TRIGGER {table}_{verb}_is_noted ON {table}"
    yield f"DROP FUNCTION {table}_notes_its_lesson()"


NOTED = {
    "attendance_attendance": "id",
    "attendance_attendancerecord": "attendance_id",
    "attendance_attendanceevent": "attendance_id",
}


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_attn_v1")]

    operations = [
        migrations.CreateModel(
            name="TouchedLesson",
            fields=[
                ("pk", models.CompositePrimaryKey("changed_in", "lesson_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("changed_in", models.BigIntegerField(verbose_name="transaction")),
                ("lesson_id", models.UUIDField(verbose_name="lesson id")),
            ],
            options={
                "verbose_name": "change of a lesson",
                "verbose_name_plural": "changes of lessons",
                "ordering": ("changed_in", "lesson_id"),
                "constraints": [models.CheckConstraint(condition=models.Q(("changed_in__gte", 0)), name="touched_lesson_is_of_a_transaction")],
            },
        ),
        migrations.RunSQL(
            [each for table, key in NOTED.items() for each in _note(table, key)],
            [each for table in NOTED for each in _forget(table)],
        ),
    ]
