from django.db import migrations

from shop.roles import grant_roles


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0011_pictures_and_prices'),
        ('mfa', '0003_authenticator_type_uniq'),
    ]

    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop)]
