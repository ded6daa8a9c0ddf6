"""The payment's addresses."""

from django.urls import path

from payments import views

urlpatterns = [
    path("<uuid:transaction_id>/start/", views.start, name="payment-start"),
    path("paypal/return/", views.come_back, name="payment-return"),
    path("paypal/cancel/", views.cancel, name="payment-cancel"),
    path("paypal/webhook/", views.webhook, name="payment-webhook"),
]
