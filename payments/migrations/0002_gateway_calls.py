import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='GatewayCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation', models.CharField(help_text="As PayPal's SDK names it.", max_length=40)),
                ('about', models.CharField(db_index=True, help_text="PayPal's id of what it was about; our transaction id before there was one.", max_length=40)),
                ('request_id', models.UUIDField(null=True)),
                ('debug_id', models.CharField(blank=True, help_text="PayPal's own name for the call: quote it to them.", max_length=40)),
                ('outcome', models.CharField(max_length=200)),
                ('milliseconds', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='paymentattempt',
            name='came_back_at',
            field=models.DateTimeField(help_text='When its customer came back from PayPal, and PayPal did not answer.', null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gatewaycall',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d07bd277d2ce61aee844e7a89e9e6dfd41fad5d9', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_238af', table='payments_gatewaycall', when='BEFORE')),
        ),
    ]
