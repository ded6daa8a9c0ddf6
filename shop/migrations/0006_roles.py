from django.db import migrations

from shop.roles import grant_roles


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0005_promises_and_failures'),
        ('orders', '0004_staff_work'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop)]
