"""Products, variants and stock as files: which columns they have, and what a row does."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.widgets import ForeignKeyWidget

from inventory.models import Stock
from shop.admin.importing import ImportedResource
from shop.models import Category, Product, Variant
from shop.stocktake import StocktakeRefused, take_stock


class ProductResource(ImportedResource):
    """One row a product, known by its slug."""

    category = Field("category", "category", ForeignKeyWidget(Category, "slug"))

    class Meta:
        model = Product
        name = "products"
        import_id_fields = ("slug",)
        fields = export_order = (
            "slug",
            "category",
            "name_en",
            "name_vi",
            "summary_en",
            "summary_vi",
            "description_en",
            "description_vi",
            "is_published",
            "is_featured",
            "position",
        )
        clean_model_instances = True
        skip_unchanged = True


class VariantResource(ImportedResource):
    """One row a SKU; a new one gets an empty shelf."""

    product = Field("product", "product", ForeignKeyWidget(Product, "slug"))

    class Meta:
        model = Variant
        name = "variants and prices"
        import_id_fields = ("sku",)
        fields = export_order = (
            "sku",
            "product",
            "name_en",
            "name_vi",
            "price",
            "is_published",
            "position",
        )
        clean_model_instances = True
        skip_unchanged = True

    def after_save_instance(self, instance: Variant, _row: Any, **_kwargs: Any) -> None:
        Stock.objects.get_or_create(sku=instance.sku)


class StockResource(ImportedResource):
    """One row a SKU that there is; `on_hand` is what a stocktake found, a movement of its own."""

    held = Field("held", "held", readonly=True)
    available = Field("available", "available", readonly=True)

    class Meta:
        model = Stock
        name = "stock"
        import_id_fields = ("sku",)
        fields = export_order = ("sku", "on_hand", "held", "available", "low_stock_threshold")
        skip_unchanged = True

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        super().before_import_row(row, **kwargs)
        if not Stock.objects.filter(sku=row["sku"]).exists():
            raise ValidationError({"sku": _("There is no such SKU.")})
        for name in ("on_hand", "low_stock_threshold"):
            _require_number(name, row.get(name))

    def save_instance(self, instance: Stock, *_: Any, **kwargs: Any) -> None:
        """Write the threshold alone, and count: the rest moves by orders."""
        instance.save(update_fields=["low_stock_threshold"])
        by = kwargs["user"].get_username()
        try:
            take_stock(sku=instance.sku, on_hand=instance.on_hand, by=by)
        except StocktakeRefused as error:
            raise ValidationError({"on_hand": str(error)}) from error


def _require_number(name: str, value: Any) -> None:
    """Refuse what is no piece count, before it is taken for one; a column may be left out."""
    if value is None:
        return
    text = str(value).removesuffix(".0")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValidationError({name: _("Enter a whole number.")})
