from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False  # so that orders go on meanwhile

    dependencies = [
        ('orders', '0007_accounts'),
    ]

    operations = [
        RemoveIndexConcurrently(model_name='order', name='orders_by_address'),
    ]
