"""The catalogue (categories, products, variants, delivery methods), pages, checks of the books."""

from decimal import Decimal
from typing import ClassVar, Self

import pgtrigger
from django.contrib.postgres.indexes import GinIndex, GistIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from lifecycles import append_only
from orders.pictures import UPLOADED
from shop.duty_failures import DutyFailure
from shop.money import validate_coins
from shop.placement_records import FailedPlacement, IntakeReport, PlacementPromise
from shop.price_history import remember_prices
from shop.rate_limits import AttemptCount
from shop.tallies import HourTally

__all__ = [
    "AttemptCount",
    "BooksCheck",
    "Category",
    "DeliveryMethod",
    "DutyFailure",
    "FailedPlacement",
    "HourTally",
    "IntakeReport",
    "PlacementPromise",
    "PriceChange",
    "Product",
    "ProductPicture",
    "SearchWord",
    "ShopPage",
    "Variant",
]


def in_language(thing: models.Model, field: str) -> str:
    """Return the field's text in the present language, or in English where that is empty."""
    language = (get_language() or "en")[:2]
    text: str = getattr(thing, f"{field}_{language}", "") or getattr(thing, f"{field}_en")
    return text


class Category(models.Model):
    """A shelf of the shop."""

    slug = models.SlugField(max_length=100, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_vi = models.CharField(_("name (Vietnamese)"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "slug")
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self, "name")


def _collect_words(operation: pgtrigger.Operation, *, name: str) -> pgtrigger.Trigger:
    """Return the trigger that enters the words of products written into `SearchWord`."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        operation=operation,
        when=pgtrigger.After,
        referencing=pgtrigger.Referencing(new="written"),  # type: ignore[no-untyped-call]
        func="""
            INSERT INTO shop_searchword (word)
            SELECT DISTINCT lexeme FROM written, unnest(written.search)
            WHERE length(lexeme) BETWEEN 3 AND 40 AND lexeme ~ '[[:alpha:]]'
            ORDER BY lexeme  -- so that two writers wait for each other in one order
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        """,
    )


class ProductQuerySet(models.QuerySet["Product"]):
    """Products as shoppers may see them."""

    def published(self) -> Self:
        return self.filter(is_published=True)

    def on_sale(self) -> Self:
        """Return the published ones of which a variant is sold."""
        variants = Variant.objects.filter(product=OuterRef("pk"), is_published=True)
        return self.published().filter(Exists(variants))


class Product(models.Model):
    """One page of the catalogue, sold in one or more variants."""

    slug = models.SlugField(max_length=100, unique=True)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    name_en = models.CharField(_("name (English)"), max_length=200)
    name_vi = models.CharField(_("name (Vietnamese)"), max_length=200, blank=True)
    summary_en = models.CharField(_("summary (English)"), max_length=300, blank=True)
    summary_vi = models.CharField(_("summary (Vietnamese)"), max_length=300, blank=True)
    description_en = models.TextField(_("description (English)"), blank=True)
    description_vi = models.TextField(_("description (Vietnamese)"), blank=True)
    picture = models.CharField(
        _("drawing"),
        max_length=200,
        blank=True,
        help_text=_(
            "A file that came with the shop, such as shop/products/tea.svg. The first uploaded "
            "picture takes its place."
        ),
    )
    is_published = models.BooleanField(_("published"), default=True)
    is_featured = models.BooleanField(_("on the front page"), default=False)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # "ganh" is the text search configuration of migration 0002: simple words, accents ignored.
    names = models.GeneratedField(
        expression=SearchVector("name_en", "name_vi", config="ganh"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    search = models.GeneratedField(
        expression=SearchVector("name_en", "name_vi", config="ganh", weight="A")
        + SearchVector("summary_en", "summary_vi", config="ganh", weight="B")
        + SearchVector("description_en", "description_vi", config="ganh", weight="C"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ("position", "slug")
        indexes = [
            GinIndex(fields=["search"], name="products_by_word"),
            GinIndex(fields=["names"], name="products_by_name"),
        ]
        triggers: ClassVar = [
            _collect_words(pgtrigger.Insert, name="words_of_new"),
            _collect_words(pgtrigger.Update, name="words_of_changed"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.slug])

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def summary(self) -> str:
        return in_language(self, "summary")

    @property
    def description(self) -> str:
        return in_language(self, "description")

    def uploaded_pictures(self) -> "list[ProductPicture]":
        """Return its pictures, the first first; a drawing is none, and no question either."""
        is_uploaded = self.picture.startswith(UPLOADED)
        return list(self.pictures.all()) if is_uploaded else []


class ProductPicture(models.Model):
    """An uploaded picture of a product; the first is also `Product.picture`. See `shop.pictures`.

    Deleting the row takes it off the product's page; its files stay for the orders that show it.
    """

    product = models.ForeignKey(Product, models.CASCADE, related_name="pictures")
    name = models.CharField(max_length=200, editable=False)
    alt_en = models.CharField(
        _("what it shows (English)"),
        max_length=200,
        blank=True,
        help_text=_("Read to those who cannot see it."),
    )
    alt_vi = models.CharField(_("what it shows (Vietnamese)"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def alt(self) -> str:
        return in_language(self, "alt")


class SearchWord(models.Model):
    """A word of some product's texts, accents removed: what a mistyped word is compared with.

    Kept by triggers on `Product`; a word outlives the product it came from.
    """

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [GistIndex(OpClass("word", "gist_trgm_ops"), name="words_by_likeness")]

    def __str__(self) -> str:
        return self.word


class Variant(models.Model):
    """What can be put in the cart: one SKU at one price, in the shop's currency, tax included."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    sku = models.CharField(
        "SKU",
        max_length=32,
        unique=True,
        validators=[RegexValidator(r"\A[A-Z0-9-]+\Z", _("Use A–Z, 0–9 and hyphens."))],
    )
    name_en = models.CharField(_("name (English)"), max_length=100, blank=True)
    name_vi = models.CharField(_("name (Vietnamese)"), max_length=100, blank=True)
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), validate_coins],
    )
    is_published = models.BooleanField(_("published"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(price__gt=0), name="variant_has_a_price"),
        ]
        triggers: ClassVar = [remember_prices()]

    def __str__(self) -> str:
        return self.sku

    @property
    def name(self) -> str:
        return in_language(self, "name")


class PriceChange(models.Model):
    """What a variant cost from then on, and whose doing it was; never altered.

    PostgreSQL writes the rows, whatever changed the price: see `shop.price_history`.
    """

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="price_changes")
    old = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    new = models.DecimalField(max_digits=10, decimal_places=2)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.old or '–'} → {self.new}"


class DeliveryMethod(models.Model):
    """A way to bring an order to its customer, and what it costs, tax included."""

    slug = models.SlugField(max_length=50, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_vi = models.CharField(_("name (Vietnamese)"), max_length=100, blank=True)
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0)), validate_coins],
    )
    free_above = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[validate_coins],
        help_text=_("Free when the items come to this much; empty: never."),
    )
    countries = models.JSONField(
        default=list, blank=True, help_text=_('ISO codes such as ["VN", "US"]; empty: everywhere.')
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("price", "slug")
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="delivery_price_is_a_price"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self, "name")

    def price_for(self, items_total: Decimal) -> Decimal:
        """Return what it costs for items of that total."""
        if self.free_above is not None and items_total >= self.free_above:
            return Decimal("0.00")
        return self.price

    def goes_to(self, country: str) -> bool:
        return not self.countries or country in self.countries


PAGES_LINKED = ("contact", "delivery", "terms", "privacy")
_MARKDOWN = _(
    "An empty line ends a paragraph. “# Heading”, “- item”, “**important**”,"
    " “[words](https://…)” for a link."
)


class ShopPage(models.Model):
    """A page that staff edit, in Markdown; every page leads to those of PAGES_LINKED."""

    slug = models.SlugField(max_length=50, unique=True)
    title_en = models.CharField(_("title (English)"), max_length=200)
    title_vi = models.CharField(_("title (Vietnamese)"), max_length=200, blank=True)
    body_en = models.TextField(_("text (English)"), help_text=_MARKDOWN)
    body_vi = models.TextField(_("text (Vietnamese)"), blank=True, help_text=_MARKDOWN)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("page", args=[self.slug])

    @property
    def title(self) -> str:
        return in_language(self, "title")

    @property
    def body(self) -> str:
        return in_language(self, "body")


class BooksCheck(models.Model):
    """What the books looked like when they were checked: see `shop.books`."""

    checked_at = models.DateTimeField(db_index=True)
    violations = models.PositiveBigIntegerField()
    invariants = models.JSONField(help_text="As `check_books --json` gives them.")

    class Meta:
        ordering = ("-checked_at",)

    def __str__(self) -> str:
        return f"{self.checked_at:%Y-%m-%d %H:%M}: {self.violations} violations"
