"""Show one order and everything that happened to it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.order_report import UnknownOrder, report_order


class Command(BaseCommand):
    """Prints an order with payment, holds, events, emails and timeline."""

    help = "Show an order: payment, holds, events, emails and everything that happened to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the order's number, such as GABCD23456")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *_args: Any, number: str, as_json: bool, **_options: Any) -> None:
        try:
            report = report_order(number)
        except UnknownOrder as error:
            raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_lines(report)))


def _lines(report: dict[str, Any]) -> list[str]:
    order, payment = report["order"], report["payment"]
    reason = f" ({order['reason']})" if order["reason"] else ""
    return [
        f"Order {order['number']}: {order['status']}{reason}",
        f"  {order['total']} {order['currency']}, {order['email']}, placed {order['placed_at']}",
        f"  transaction {order['transaction_id']}",
        f"Payment: {payment['status']}, PayPal order {payment['paypal_order_id'] or 'none yet'}",
        *(f"  capture {_money(capture)}" for capture in payment["captures"]),
        *(f"  refund {_money(refund)}" for refund in payment["refunds"]),
        "Stock",
        *(f"  {hold['quantity']} × {hold['sku']}: {hold['status']}" for hold in report["holds"]),
        "Emails" if report["emails"] else "Emails: none",
        *(f"  {_email(email)}" for email in report["emails"]),
        "Timeline",
        *(f"  {_entry(entry)}" for entry in report["timeline"]),
    ]


def _money(row: dict[str, Any]) -> str:
    return f"{row['id'] or 'not sent yet'}: {row['amount']} {row['currency']} {row['status']}"


def _email(email: dict[str, Any]) -> str:
    unknown = f", {email['unknown']} with unknown outcome" if email["unknown"] else ""
    return f"{email['id']}: {email['type']} to {email['to']}: {email['status']}{unknown}"


def _entry(entry: dict[str, Any]) -> str:
    by = f" by {entry['by']}" if entry["by"] else ""
    return f"{entry['at'][:23]:<23}  {entry['kind']:<8} {entry['text']}{by}"
