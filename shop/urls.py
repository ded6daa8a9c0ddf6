"""The shop's addresses."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from orders.pictures import UPLOADED
from shop.pictures import FILE_NAME
from shop.views import (
    accounts,
    cart,
    catalogue,
    checkout,
    checkout_status,
    finding,
    health,
    orders,
    pictures,
    reordering,
    robots,
    stopping,
)

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", catalogue.home, name="home"),
    path("products/", catalogue.product_list, name="products"),
    path("products/<slug:slug>/", catalogue.product, name="product"),
    re_path(rf"^media/{UPLOADED}(?P<name>{FILE_NAME})$", pictures.picture, name="picture"),
    path("pages/<slug:slug>/", catalogue.shop_page, name="page"),
    path("cart/", cart.cart_page, name="cart"),
    path("cart/add/", cart.add_to_cart, name="cart-add"),
    path("cart/update/", cart.update_cart, name="cart-update"),
    path("cart/reorder/<slug:number>/<slug:token>/", reordering.reorder_page, name="reorder"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("checkout/<uuid:checkout_key>/", checkout_status.checkout_status, name="checkout-status"),
    path("payments/", include("payments.urls")),
    path("orders/", orders.order_history, name="orders"),
    path("orders/find/", finding.find_order, name="find-order"),
    path("orders/<slug:number>/<slug:token>/", orders.order_page, name="order"),
    path("orders/<slug:number>/<slug:token>/cancel/", orders.cancel_order, name="order-cancel"),
    path("emails/stop/<str:token>/", stopping.stop_reminders, name="stop-reminders"),
    path("accounts/delete/", accounts.delete_account, name="account_delete"),
    path("accounts/login/code/confirm/", accounts.nothing_here),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("robots.txt", robots.robots, name="robots"),
    path("sitemap.xml", robots.sitemap, name="sitemap"),
    path("sitemap-<int:number>.xml", robots.sitemap_part, name="sitemap-part"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "shop.views.errors.bad_request"
handler403 = "shop.views.errors.forbidden"
handler404 = "shop.views.errors.not_found"
handler500 = "shop.views.errors.server_error"
