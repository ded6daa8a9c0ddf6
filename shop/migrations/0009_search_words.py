import django.contrib.postgres.indexes
import django.contrib.postgres.search
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0008_accounts'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('word', models.TextField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.AddField(
            model_name='product',
            name='names',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector('name_en', 'name_vi', config='ganh'), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['names'], name='products_by_name'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='product',
            trigger=pgtrigger.compiler.Trigger(name='words_of_new', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            INSERT INTO shop_searchword (word)\n            SELECT DISTINCT lexeme FROM written, unnest(written.search)\n            WHERE length(lexeme) BETWEEN 3 AND 40 AND lexeme ~ '[[:alpha:]]'\n            ORDER BY lexeme  -- so that two writers wait for each other in one order\n            ON CONFLICT DO NOTHING;\n            RETURN NULL;\n        ", hash='1f2e65807fc30726a0ce38733bfb6ec5b40524a3', level='STATEMENT', operation='INSERT', pgid='pgtrigger_words_of_new_d26cb', referencing='REFERENCING NEW TABLE AS written ', table='shop_product', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='product',
            trigger=pgtrigger.compiler.Trigger(name='words_of_changed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            INSERT INTO shop_searchword (word)\n            SELECT DISTINCT lexeme FROM written, unnest(written.search)\n            WHERE length(lexeme) BETWEEN 3 AND 40 AND lexeme ~ '[[:alpha:]]'\n            ORDER BY lexeme  -- so that two writers wait for each other in one order\n            ON CONFLICT DO NOTHING;\n            RETURN NULL;\n        ", hash='d9818990f1f57f66880a8100bbd799859805075a', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_words_of_changed_eb159', referencing='REFERENCING NEW TABLE AS written ', table='shop_product', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=django.contrib.postgres.indexes.GistIndex(django.contrib.postgres.indexes.OpClass('word', 'gist_trgm_ops'), name='words_by_likeness'),
        ),
        migrations.RunSQL(
            """
            INSERT INTO shop_searchword (word)
            SELECT DISTINCT lexeme FROM shop_product, unnest(search)
            WHERE length(lexeme) BETWEEN 3 AND 40 AND lexeme ~ '[[:alpha:]]';
            """,
            migrations.RunSQL.noop,
        ),
    ]
