"""Accounts: django-allauth with the shop's words, emails and orders."""
