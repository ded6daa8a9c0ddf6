"""Staff keep the catalogue: products with their variants, shelves, deliveries and pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from inventory.models import Stock
from notifications.admin import AuditedAdmin
from shop.admin.catalogue_files import ProductResource, VariantResource
from shop.admin.importing import ImportedAdmin
from shop.admin.pictures import PictureInline, show_first_picture
from shop.models import (
    PAGES_LINKED,
    Category,
    DeliveryMethod,
    PriceChange,
    Product,
    ShopPage,
    Variant,
)
from shop.price_history import sign_prices

_LATEST_PRICES = 20


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
class ProductAdmin(ImportedAdmin, AuditedAdmin):
    """Products in both languages. One that is no longer sold is withdrawn, not deleted."""

    resources = (ProductResource,)
    list_display = ("name_en", "name_vi", "category", "is_published", "is_featured", "position")
    list_editable = ("is_featured", "position")
    list_filter = ("is_published", "is_featured", "category")
    list_select_related = ("category",)
    search_fields = ("name_en", "name_vi", "slug", "variants__sku")
    prepopulated_fields = {"slug": ("name_en",)}
    inlines = (VariantInline, PictureInline)
    actions = ("publish", "withdraw")
    warn_unsaved_form = True
    readonly_fields = ("prices",)
    fieldsets = (
        (None, {"fields": ("slug", "category", "picture")}),
        ("English", {"fields": ("name_en", "summary_en", "description_en")}),
        ("Tiếng Việt", {"fields": ("name_vi", "summary_vi", "description_vi")}),
        (_("In the shop"), {"fields": ("is_published", "is_featured", "position")}),
        (_("Prices so far"), {"fields": ("prices",)}),
    )

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Sign new prices, give every new SKU an empty shelf, and show the first picture."""
        sign_prices(request.user.get_username())
        super().save_related(request, form, formsets, change)
        for sku in form.instance.variants.values_list("sku", flat=True):
            Stock.objects.get_or_create(sku=sku)
        show_first_picture(form.instance)

    @admin.display(description=_("history"))
    def prices(self, product: Product) -> SafeString | str:
        """Tell the latest prices of its variants, and who set each."""
        changes = PriceChange.objects.filter(variant__product=product).select_related("variant")
        told = (
            (f"{one.at:%Y-%m-%d %H:%M}", one.variant.sku, one.old or "–", one.new, one.by)
            for one in changes[:_LATEST_PRICES]
        )
        return format_html_join(mark_safe("<br>"), "{} · {} · {} → {} · {}", told) or "–"

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    @action(description=_("Publish"), permissions=["publish"])  # type: ignore[untyped-decorator]
    def publish(self, request: HttpRequest, chosen: QuerySet[Product]) -> None:
        self._show(request, chosen, is_published=True)

    @action(description=_("Withdraw"), permissions=["publish"])  # type: ignore[untyped-decorator]
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Product]) -> None:
        self._show(request, chosen, is_published=False)

    def _show(self, request: HttpRequest, chosen: QuerySet[Product], *, is_published: bool) -> None:
        done = "Published" if is_published else "Withdrawn"
        for product in chosen.exclude(is_published=is_published):
            Product.objects.filter(pk=product.pk).update(is_published=is_published)
            self.log_change(request, product, f"{done}.")
        told = _("Done: it is in the shop.") if is_published else _("Done: it is not for sale.")
        self.message_user(request, told)


@admin.register(Variant)
class VariantAdmin(ImportedAdmin, AuditedAdmin):
    """Every SKU and its price in one list; a new one is made on its product's page, or by file."""

    resources = (VariantResource,)
    form = VariantForm
    list_display = ("sku", "product", "name_en", "price", "is_published")
    list_filter = ("is_published", "product__category")
    list_select_related = ("product",)
    search_fields = ("sku", "name_en", "name_vi", "product__name_en", "product__name_vi")
    ordering = ("sku",)

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def save_model(self, request: HttpRequest, *args: Any) -> None:
        sign_prices(request.user.get_username())
        super().save_model(request, *args)


@admin.register(Category)
class CategoryAdmin(AuditedAdmin):
    """The shop's shelves."""

    list_display = ("name_en", "name_vi", "slug", "position")
    list_editable = ("position",)
    prepopulated_fields = {"slug": ("name_en",)}


@admin.register(DeliveryMethod)
class DeliveryMethodAdmin(AuditedAdmin):
    """What bringing an order costs, and where it goes."""

    list_display = ("name_en", "name_vi", "price", "free_above", "countries", "is_active")
    list_editable = ("price", "free_above", "is_active")
    prepopulated_fields = {"slug": ("name_en",)}


@admin.register(ShopPage)
class ShopPageAdmin(AuditedAdmin):
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
