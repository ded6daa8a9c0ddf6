"""Staff keep the catalogue: products with their variants, shelves, deliveries and pages."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from inventory.models import Stock
from notifications.exports import ExportedAdmin
from shop.models import PAGES_LINKED, Category, DeliveryMethod, Product, ShopPage, Variant


class VariantForm(ModelForm):  # type: ignore[type-arg] # not generic at run time
    """A variant; stock and orders know it by its SKU, which therefore stays."""

    class Meta:
        model = Variant
        fields = ("sku", "name_en", "name_vi", "price", "is_published", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sku"].disabled = self.instance.pk is not None


class VariantInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """A product's variants. One that is no longer sold is withdrawn, not deleted."""

    model = Variant
    form = VariantForm
    extra = 0
    can_delete = False


@admin.register(Product)
class ProductAdmin(ExportedAdmin, ModelAdmin):  # type: ignore[misc]
    """Products in both languages. One that is no longer sold is withdrawn, not deleted."""

    export_fields = ("slug", "name_en", "name_vi", "category__slug", "is_published", "position")
    list_display = ("name_en", "name_vi", "category", "is_published", "is_featured", "position")
    list_editable = ("is_published", "is_featured", "position")
    list_filter = ("is_published", "is_featured", "category")
    list_select_related = ("category",)
    search_fields = ("name_en", "name_vi", "slug", "variants__sku")
    prepopulated_fields = {"slug": ("name_en",)}
    inlines = (VariantInline,)
    warn_unsaved_form = True
    fieldsets = (
        (None, {"fields": ("slug", "category", "picture")}),
        ("English", {"fields": ("name_en", "summary_en", "description_en")}),
        ("Tiếng Việt", {"fields": ("name_vi", "summary_vi", "description_vi")}),
        ("In the shop", {"fields": ("is_published", "is_featured", "position")}),
    )

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Give every new SKU an empty shelf, where a stocktake finds it."""
        super().save_related(request, form, formsets, change)
        for sku in form.instance.variants.values_list("sku", flat=True):
            Stock.objects.get_or_create(sku=sku)


@admin.register(Category)
class CategoryAdmin(ModelAdmin):  # type: ignore[misc]
    """The shop's shelves."""

    list_display = ("name_en", "name_vi", "slug", "position")
    list_editable = ("position",)
    prepopulated_fields = {"slug": ("name_en",)}


@admin.register(DeliveryMethod)
class DeliveryMethodAdmin(ModelAdmin):  # type: ignore[misc]
    """What bringing an order costs, and where it goes."""

    list_display = ("name_en", "name_vi", "price", "free_above", "countries", "is_active")
    list_editable = ("price", "free_above", "is_active")
    prepopulated_fields = {"slug": ("name_en",)}


@admin.register(ShopPage)
class ShopPageAdmin(ModelAdmin):  # type: ignore[misc]
    """Contact, delivery, terms, privacy: every page of the shop leads to them, so they stay."""

    list_display = ("title_en", "title_vi", "slug")
    warn_unsaved_form = True
    fieldsets = (
        (None, {"fields": ("slug",)}),
        ("English", {"fields": ("title_en", "body_en")}),
        ("Tiếng Việt", {"fields": ("title_vi", "body_vi")}),
    )

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the address of a page that is there: links lead to it."""
        return ("slug",) if obj else ()

    def has_delete_permission(self, _request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and obj.slug not in PAGES_LINKED
