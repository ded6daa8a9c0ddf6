from django.db import migrations, models

from shop.roles import grant_roles

_PROTECT = """
    CREATE FUNCTION audit_trail_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit trail is never changed';
    END
    $$;
    CREATE TRIGGER audit_trail_stays BEFORE UPDATE OR DELETE ON django_admin_log
    FOR EACH ROW EXECUTE FUNCTION audit_trail_stays();
"""
_UNPROTECT = """
    DROP TRIGGER audit_trail_stays ON django_admin_log;
    DROP FUNCTION audit_trail_stays;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0012_second_factor'),
        ('admin', '0003_logentry_add_action_flag_choices'),
    ]

    operations = [
        migrations.CreateModel(
            name='HourTally',
            fields=[
                ('hour', models.DateTimeField(primary_key=True, serialize=False)),
                ('orders', models.PositiveIntegerField()),
                ('ordered', models.DecimalField(decimal_places=2, max_digits=14)),
                ('taken', models.DecimalField(decimal_places=2, max_digits=14)),
                ('refunded', models.DecimalField(decimal_places=2, max_digits=14)),
            ],
            options={
                'verbose_name_plural': 'hour tallies',
                'ordering': ('-hour',),
            },
        ),
        migrations.RunSQL(_PROTECT, _UNPROTECT),
        migrations.RunPython(grant_roles, migrations.RunPython.noop),
    ]
