"""The pictures of a product, as staff upload them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminFileFieldWidget

from orders.pictures import UPLOADED
from shop.models import Product, ProductPicture
from shop.pictures import DrawnPicture, NotAPicture, draw_picture, keep_picture
from shop.templatetags.storefront import picture_url


class PictureForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    """A new picture is a file; of one that is there, only what is said about it changes."""

    file = forms.FileField(
        label=_("file"),
        help_text=_("JPEG, PNG or WebP; up to 10 MB; 200 pixels a side or more."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        model = ProductPicture
        fields = ("alt_en", "alt_vi", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["file"].disabled = True
            self.fields["file"].required = False
            self.fields["file"].widget = forms.HiddenInput()

    def clean_file(self) -> DrawnPicture | None:
        """Draw it now: a file that cannot be drawn is refused beside its field."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is None or self.instance.pk:
            return None
        try:
            return draw_picture(file)
        except NotAPicture as error:
            raise forms.ValidationError(str(error)) from error

    def save(self, commit: bool = True) -> ProductPicture:
        drawn: DrawnPicture | None = self.cleaned_data.get("file")
        if drawn is not None:
            keep_picture(drawn)
            self.instance.name = drawn.name
        picture: ProductPicture = super().save(commit)
        return picture


class PictureInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """The first is shown in lists, in carts and in emails; all of them on the product's page."""

    model = ProductPicture
    form = PictureForm
    fields = ("preview", "file", "alt_en", "alt_vi", "position")
    readonly_fields = ("preview",)
    extra = 0
    hide_title = True

    @admin.display(description="")
    def preview(self, picture: ProductPicture) -> SafeString | str:
        if not picture.name:
            return "–"
        return format_html(
            '<img src="{}" alt="{}" class="picture-preview" width="64" height="64">',
            picture_url(picture.name),
            picture.alt,
        )


def show_first_picture(product: Product) -> None:
    """Let the first uploaded picture stand for the product; without any, none that was one."""
    first = product.pictures.first()
    shown = first.name if first else product.picture
    if first is None and shown.startswith(UPLOADED):
        shown = ""
    if shown != product.picture:
        product.picture = shown
        product.save(update_fields=["picture"])
