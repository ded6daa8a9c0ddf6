from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Words of a product, accents ignored: "ca phe" finds "cà phê", "da lat" finds "Đà Lạt"."""

    dependencies = [("shop", "0001_initial")]

    operations = [
        UnaccentExtension(),
        TrigramExtension(),
        migrations.RunSQL(
            """
            CREATE TEXT SEARCH CONFIGURATION ganh (COPY = simple);
            ALTER TEXT SEARCH CONFIGURATION ganh
                ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
            """,
            "DROP TEXT SEARCH CONFIGURATION ganh;",
        ),
        migrations.AddField(
            model_name="product",
            name="search",
            field=models.GeneratedField(
                expression=SearchVector("name_en", "name_vi", config="ganh", weight="A")
                + SearchVector("summary_en", "summary_vi", config="ganh", weight="B")
                + SearchVector("description_en", "description_vi", config="ganh", weight="C"),
                output_field=SearchVectorField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=GinIndex(fields=["search"], name="products_by_word"),
        ),
    ]
