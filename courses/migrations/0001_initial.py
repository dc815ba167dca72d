"""Sections, enrolments, absences, closures and policies; two rules at the end are PostgreSQL's own."""

import courses.storage
import datetime
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

POLICY = """
ALTER TABLE courses_section ADD CONSTRAINT section_policy_is_its_own
    FOREIGN KEY (policy_id, id) REFERENCES courses_policy (id, section_id)
    DEFERRABLE INITIALLY DEFERRED;
CREATE FUNCTION policy_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'versions of a policy stay as they are: % is refused', TG_OP
        USING ERRCODE = 'integrity_constraint_violation',
              CONSTRAINT = 'policy_version_stays';
END $$;
CREATE TRIGGER policy_version_stays
    BEFORE UPDATE OR DELETE ON courses_policy
    FOR EACH ROW EXECUTE FUNCTION policy_version_stays();
"""

BACKWARD = """
DROP TRIGGER policy_version_stays ON courses_policy;
DROP FUNCTION policy_version_stays();
ALTER TABLE courses_section DROP CONSTRAINT section_policy_is_its_own;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AbsenceReason',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, verbose_name='code')),
                ('label', models.CharField(max_length=200, verbose_name='label')),
                ('effect', models.CharField(choices=[('neutral', 'does not count'), ('counts_present', 'counts as present'), ('counts_absent', 'counts as absent')], default='neutral', max_length=20, verbose_name='effect')),
                ('needs_evidence', models.BooleanField(default=False, verbose_name='needs evidence')),
                ('who_may_ask', models.CharField(choices=[('student', 'the student'), ('teacher', 'a teacher of the section'), ('staff', 'staff')], default='student', max_length=10, verbose_name='who may ask')),
            ],
            options={
                'verbose_name': 'reason for an absence',
                'verbose_name_plural': 'reasons for absences',
                'ordering': ('code',),
                'constraints': [models.UniqueConstraint(fields=('code',), name='absence_reason_code_once'), models.CheckConstraint(condition=models.Q(models.Q(('code', ''), _negated=True), models.Q(('label', ''), _negated=True)), name='absence_reason_has_code_and_label'), models.CheckConstraint(condition=models.Q(('effect__in', ['neutral', 'counts_present', 'counts_absent'])), name='absence_reason_effect_is_known'), models.CheckConstraint(condition=models.Q(('who_may_ask__in', ['student', 'teacher', 'staff'])), name='absence_reason_asker_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Course',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, verbose_name='code')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
            ],
            options={
                'verbose_name': 'course',
                'verbose_name_plural': 'courses',
                'ordering': ('code',),
                'constraints': [models.UniqueConstraint(fields=('code',), name='course_code_once'), models.CheckConstraint(condition=models.Q(models.Q(('code', ''), _negated=True), models.Q(('title', ''), _negated=True)), name='course_has_code_and_title')],
            },
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('opens_before_s', models.PositiveIntegerField(default=0, verbose_name='opens before the start (s)')),
                ('late_after_s', models.PositiveIntegerField(blank=True, null=True, verbose_name='late after (s)')),
                ('absent_after_s', models.PositiveIntegerField(blank=True, null=True, verbose_name='absent after (s)')),
                ('min_presence_permille', models.PositiveSmallIntegerField(default=0, verbose_name='least presence (‰)')),
                ('late_credit_permille', models.PositiveSmallIntegerField(default=1000, verbose_name='worth of late (‰)')),
                ('counted', models.CharField(choices=[('lessons', 'lessons'), ('hours', 'hours')], default='lessons', max_length=10, verbose_name='counted by')),
                ('threshold_permille', models.PositiveSmallIntegerField(default=700, verbose_name='threshold (‰)')),
                ('warn_permille', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='warning below (‰)')),
                ('in_a_row', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='missed in a row')),
                ('days_without', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='days without')),
                ('min_lessons', models.PositiveSmallIntegerField(default=0, verbose_name='judged from lessons')),
                ('set_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='set at')),
                ('set_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='set by')),
            ],
            options={
                'verbose_name': 'policy',
                'verbose_name_plural': 'policies',
                'ordering': ('section', '-version'),
            },
        ),
        migrations.CreateModel(
            name='Section',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sourced_id', models.CharField(blank=True, max_length=255, verbose_name='id there')),
                ('component', models.CharField(blank=True, choices=[('', 'whole course'), ('theory', 'theory'), ('lab', 'lab')], max_length=10, verbose_name='component')),
                ('code', models.CharField(blank=True, max_length=64, verbose_name='code')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('time_zone', models.CharField(max_length=64, verbose_name='time zone')),
                ('location', models.CharField(blank=True, max_length=200, verbose_name='location')),
                ('walk_ins', models.CharField(choices=[('accept', 'accept'), ('hold', 'hold for the teacher'), ('refuse', 'refuse')], default='accept', max_length=10, verbose_name='walk-ins')),
                ('starts_on', models.DateField(verbose_name='starts on')),
                ('ends_on', models.DateField(verbose_name='ends before')),
                ('archived_at', models.DateTimeField(blank=True, null=True, verbose_name='archived at')),
                ('course', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sections', to='courses.course', verbose_name='entry of the catalogue')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='groups', to='courses.section', verbose_name='lecture of this group')),
                ('policy', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='courses.policy', verbose_name='policy')),
            ],
            options={
                'verbose_name': 'section',
                'verbose_name_plural': 'sections',
                'ordering': ('-starts_on', 'title', 'id'),
            },
        ),
        migrations.AddField(
            model_name='policy',
            name='section',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='policies', to='courses.section', verbose_name='section'),
        ),
        migrations.CreateModel(
            name='Closure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField(verbose_name='starts on')),
                ('ends_on', models.DateField(verbose_name='ends before')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('section', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='closures', to='courses.section', verbose_name='section')),
            ],
            options={
                'verbose_name': 'closure',
                'verbose_name_plural': 'closures',
                'ordering': ('-starts_on', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='starts at')),
                ('ends_at', models.DateTimeField(verbose_name='ends at')),
                ('is_for_all_sections', models.BooleanField(default=True, verbose_name='for all sections')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('state', models.CharField(choices=[('requested', 'requested'), ('approved', 'approved'), ('refused', 'refused'), ('withdrawn', 'withdrawn')], default='requested', max_length=10, verbose_name='state')),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked at')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('decided_why', models.CharField(blank=True, max_length=500, verbose_name='why')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn at')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ('withdrawn_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='withdrawn by')),
                ('reason', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to='courses.absencereason', verbose_name='reason')),
                ('sections', models.ManyToManyField(blank=True, related_name='absences', to='courses.section', verbose_name='sections')),
            ],
            options={
                'verbose_name': 'absence',
                'verbose_name_plural': 'absences',
                'ordering': ('-starts_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='SourceSystem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, verbose_name='code')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('kind', models.CharField(choices=[('manual', 'by hand'), ('csv', 'CSV file'), ('oneroster', 'OneRoster'), ('canvas', 'Canvas'), ('moodle', 'Moodle'), ('api', 'API')], max_length=10, verbose_name='kind')),
            ],
            options={
                'verbose_name': 'source system',
                'verbose_name_plural': 'source systems',
                'ordering': ('code',),
                'constraints': [models.UniqueConstraint(fields=('code',), name='source_system_code_once'), models.CheckConstraint(condition=models.Q(models.Q(('code', ''), _negated=True), models.Q(('name', ''), _negated=True)), name='source_system_has_code_and_name'), models.CheckConstraint(condition=models.Q(('kind__in', ['manual', 'csv', 'oneroster', 'canvas', 'moodle', 'api'])), name='source_system_kind_is_known')],
            },
        ),
        migrations.AddField(
            model_name='section',
            name='system',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='courses.sourcesystem', verbose_name='source system'),
        ),
        migrations.CreateModel(
            name='Enrolment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('student', 'student'), ('teacher', 'teacher'), ('assistant', 'assistant'), ('observer', 'observer')], max_length=10, verbose_name='role')),
                ('is_primary', models.BooleanField(default=False, verbose_name='in charge')),
                ('begins_on', models.DateField(verbose_name='begins on')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='ends before')),
                ('sourced_id', models.CharField(blank=True, max_length=255, verbose_name='id there')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ('section', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to='courses.section', verbose_name='section')),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='courses.sourcesystem', verbose_name='source system')),
            ],
            options={
                'verbose_name': 'enrolment',
                'verbose_name_plural': 'enrolments',
                'ordering': ('section', 'role', 'user', 'begins_on'),
            },
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('starts_on', models.DateField(verbose_name='starts on')),
                ('ends_on', models.DateField(verbose_name='ends before')),
            ],
            options={
                'verbose_name': 'term',
                'verbose_name_plural': 'terms',
                'ordering': ('-starts_on', 'title'),
                'constraints': [models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='term_has_a_title'), models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='term_ends_after_it_starts', violation_error_message='The end must be after the first day.'), models.CheckConstraint(condition=models.Q(('starts_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))), ('ends_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))), name='term_days_are_sane', violation_error_message='Choose days between 2000 and 2100.')],
            },
        ),
        migrations.AddField(
            model_name='section',
            name='term',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sections', to='courses.term', verbose_name='term'),
        ),
        migrations.CreateModel(
            name='AbsenceEvidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.FileField(storage=courses.storage.evidence_storage, upload_to=courses.storage.evidence_name, verbose_name='file')),
                ('name', models.CharField(max_length=200, verbose_name='name given by the sender')),
                ('kind', models.CharField(choices=[('pdf', 'PDF'), ('jpeg', 'JPEG'), ('png', 'PNG')], max_length=10, verbose_name='kind')),
                ('size', models.PositiveIntegerField(verbose_name='bytes')),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='added at')),
                ('kept_until', models.DateField(verbose_name='kept until')),
                ('absence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='courses.absence', verbose_name='absence')),
                ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='added by')),
            ],
            options={
                'verbose_name': 'evidence',
                'verbose_name_plural': 'evidence',
                'ordering': ('absence', 'id'),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('file', ''), _negated=True), models.Q(('name', ''), _negated=True)), name='absence_evidence_is_named'), models.CheckConstraint(condition=models.Q(('kind__in', ['pdf', 'jpeg', 'png'])), name='absence_evidence_kind_is_known'), models.CheckConstraint(condition=models.Q(('size__range', (1, 5242880))), name='absence_evidence_is_not_too_large'), models.CheckConstraint(condition=models.Q(('added_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='absence_evidence_instant_is_sane'), models.CheckConstraint(condition=models.Q(('kept_until__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))), name='absence_evidence_days_are_sane', violation_error_message='Choose days between 2000 and 2100.')],
            },
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.UniqueConstraint(fields=('section', 'version'), name='policy_version_once'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.UniqueConstraint(fields=('id', 'section'), name='policy_is_of_one_section'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='policy_version_counts_up'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('counted__in', ['lessons', 'hours'])), name='policy_counted_is_known'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('late_after_s', None), ('absent_after_s', None), ('absent_after_s__gte', models.F('late_after_s')), _connector='OR'), name='policy_absent_not_before_late'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('opens_before_s__range', (0, 86400)), ('late_after_s__range', (0, 86400)), ('absent_after_s__range', (0, 86400))), name='policy_seconds_are_within_a_day'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('min_presence_permille__range', (0, 1000)), ('late_credit_permille__range', (0, 1000)), ('threshold_permille__range', (0, 1000)), ('warn_permille__range', (0, 1000))), name='policy_shares_are_of_a_whole'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('in_a_row', None), ('in_a_row__gte', 1), _connector='OR'), models.Q(('days_without', None), ('days_without__gte', 1), _connector='OR')), name='policy_warns_after_something'),
        ),
        migrations.AddConstraint(
            model_name='policy',
            constraint=models.CheckConstraint(condition=models.Q(('set_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='policy_set_at_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='closure_has_a_title'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='closure_ends_after_it_starts', violation_error_message='The end must be after the first day.'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('starts_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))), ('ends_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))), name='closure_days_are_sane', violation_error_message='Choose days between 2000 and 2100.'),
        ),
        migrations.AddIndex(
            model_name='absence',
            index=models.Index(condition=models.Q(('state', 'approved')), fields=['user', 'ends_at'], name='absence_approved_of_a_user'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['requested', 'approved', 'refused', 'withdrawn'])), name='absence_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='absence_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.LessThanOrEqual(models.ExpressionWrapper(django.db.models.expressions.CombinedExpression(models.F('ends_at'), '-', models.F('starts_at')), output_field=models.DurationField()), datetime.timedelta(days=400)), name='absence_is_not_too_long'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('ends_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('requested_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('decided_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), ('withdrawn_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='absence_instants_are_sane'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state', 'requested'), _negated=True), models.Q(('decided_at', None), ('decided_by', None), ('decided_why', '')), _connector='OR'), models.Q(models.Q(('state__in', ['approved', 'refused']), _negated=True), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), models.Q(models.Q(('decided_at', None), ('decided_by', None), ('decided_why', '')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR')), name='absence_is_decided_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'refused'), _negated=True), models.Q(('decided_why', ''), _negated=True), _connector='OR'), name='absence_refusal_is_explained'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'withdrawn'), ('withdrawn_at__isnull', False), ('withdrawn_by__isnull', False)), models.Q(models.Q(('state', 'withdrawn'), _negated=True), ('withdrawn_at', None), ('withdrawn_by', None)), _connector='OR'), name='absence_is_withdrawn_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('sourced_id', ''), _negated=True), models.Q(('ends_on', None), ('ends_on__gt', models.F('begins_on')), _connector='OR')), fields=('system', 'sourced_id', 'begins_on'), name='enrolment_sourced_once'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['student', 'teacher', 'assistant', 'observer'])), name='enrolment_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on', None), ('ends_on__gte', models.F('begins_on')), _connector='OR'), name='enrolment_ends_not_before_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(('begins_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))), ('ends_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))), name='enrolment_days_are_sane', violation_error_message='Choose days between 2000 and 2100.'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(('is_primary', False), ('role', 'teacher'), _connector='OR'), name='enrolment_in_charge_is_a_teacher'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('role', 'student')), expressions=[(models.Func(models.F('section'), models.F('section'), models.Value('[]'), function='int8range', output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField()), '&&'), (models.Func(models.F('user'), models.F('user'), models.Value('[]'), function='int8range', output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField()), '&&'), (models.Func(models.F('begins_on'), models.F('ends_on'), models.Value('[)'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='enrolment_of_a_student_never_overlaps'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.UniqueConstraint(condition=models.Q(('sourced_id', ''), _negated=True), fields=('system', 'sourced_id'), name='section_sourced_once'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='section_has_a_title'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('time_zone__regex', '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')), name='section_time_zone_is_a_name'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('parent', None), models.Q(('parent', models.F('pk')), _negated=True), _connector='OR'), name='section_is_not_its_own_parent'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('component__in', ['', 'theory', 'lab'])), name='section_component_is_known'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('walk_ins__in', ['accept', 'hold', 'refuse'])), name='section_walk_ins_are_known'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='section_ends_after_it_starts', violation_error_message='The end must be after the first day.'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('starts_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))), ('ends_on__range', (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))), name='section_days_are_sane', violation_error_message='Choose days between 2000 and 2100.'),
        ),
        migrations.AddConstraint(
            model_name='section',
            constraint=models.CheckConstraint(condition=models.Q(('archived_at__range', (datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2100, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='section_archived_at_is_sane'),
        ),
        migrations.RunSQL(POLICY, BACKWARD),
    ]
