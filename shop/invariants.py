"""The invariants of the books, each a statement that finds the rows that break it.

Every statement yields one text for each violation, and works on sets: its memory is bounded by
PostgreSQL's `work_mem`, however many orders there are.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """What must be true, and the SQL that finds where it is not."""

    name: str
    description: str
    violations: str


_STOCK = (
    Invariant(
        "stock_is_its_movements",
        "What is on hand and held of a SKU is the sum of its movements.",
        """
        SELECT format('%s: on hand %s, held %s; moved %s, %s', s.sku, s.on_hand, s.held,
                      coalesce(m.on_hand, 0), coalesce(m.held, 0))
        FROM inventory_stock s
        LEFT JOIN (SELECT sku, sum(on_hand_change) AS on_hand, sum(held_change) AS held
                   FROM inventory_stockmovement GROUP BY sku) m USING (sku)
        WHERE (s.on_hand, s.held) <> (coalesce(m.on_hand, 0), coalesce(m.held, 0))
        """,
    ),
    Invariant(
        "held_is_open_holds",
        "What is held of a SKU is the sum of its open holds.",
        """
        SELECT format('%s: held %s, open holds %s', s.sku, s.held, coalesce(h.quantity, 0))
        FROM inventory_stock s
        LEFT JOIN (SELECT sku, sum(quantity) AS quantity FROM inventory_stockhold
                   WHERE status = 'HELD' GROUP BY sku) h USING (sku)
        WHERE s.held <> coalesce(h.quantity, 0)
        """,
    ),
    Invariant(
        "holds_have_moved",
        "The movements of a hold say what its status says.",
        """
        SELECT format('%s of transaction %s: %s %s, moved on hand %s, held %s', h.sku, h.reference,
                      h.quantity, h.status, coalesce(m.on_hand, 0), coalesce(m.held, 0))
        FROM inventory_stockhold h
        LEFT JOIN (SELECT reference, sku, sum(on_hand_change) AS on_hand, sum(held_change) AS held
                   FROM inventory_stockmovement
                   WHERE reference IS NOT NULL AND kind <> 'write_off'
                   GROUP BY reference, sku) m USING (reference, sku)
        WHERE (coalesce(m.on_hand, 0), coalesce(m.held, 0)) <>
              (CASE h.status WHEN 'SOLD' THEN h.returned - h.quantity ELSE 0 END,
               CASE h.status WHEN 'HELD' THEN h.quantity ELSE 0 END)
        """,
    ),
    Invariant(
        "holds_are_lines",
        "An order's holds are its lines: the same SKUs and quantities.",
        """
        SELECT format('%s %s: ordered %s, set aside %s', coalesce(l.number, h.reference::text),
                      coalesce(l.sku, h.sku), coalesce(l.quantity, 0), coalesce(h.quantity, 0))
        FROM (SELECT o.number, o.transaction_id AS reference, line.sku, line.quantity
              FROM orders_orderline line JOIN orders_order o ON o.id = line.order_id) l
        FULL JOIN inventory_stockhold h ON (h.reference, h.sku) = (l.reference, l.sku)
        WHERE l.quantity IS DISTINCT FROM h.quantity
        """,
    ),
    Invariant(
        "holds_agree_with_orders",
        "A paid order's holds are sold, a failed one's released, a cancelled one's returned.",
        """
        SELECT format('%s is %s (payment %s): %s of %s %s',
                      o.number, o.status, p.status, h.quantity, h.sku, h.status)
        FROM orders_order o
        JOIN payments_payment p ON p.order_id = o.id
        JOIN inventory_stockhold h ON h.reference = o.transaction_id
        WHERE NOT CASE
            WHEN o.status = 'PENDING' AND p.status = 'PENDING' THEN h.status IN ('HELD', 'RELEASED')
            WHEN o.status = 'PENDING' THEN h.status = 'HELD'
            WHEN o.status = 'SUCCESS' THEN h.status = 'SOLD'
            WHEN o.status IN ('SHIPPED', 'DELIVERED') THEN h.status IN ('SOLD', 'RETURNED')
            WHEN o.status = 'FAILED' THEN h.status = 'RELEASED'
            ELSE h.status = 'RETURNED' END
        """,
    ),
    Invariant(
        "returns_are_taken_back",
        "What customers sent back of a line was taken back, and no more than was sold.",
        """
        SELECT format('%s: sent back %s of %s %s, taken back %s',
                      o.number, coalesce(r.pieces, 0), h.quantity, h.sku, h.returned)
        FROM inventory_stockhold h
        JOIN orders_order o ON o.transaction_id = h.reference
        JOIN orders_orderline line ON (line.order_id, line.sku) = (o.id, h.sku)
        LEFT JOIN (SELECT line_id, sum(restocked + written_off) AS pieces
                   FROM orders_returnedline GROUP BY line_id) r ON r.line_id = line.id
        WHERE h.returned <> coalesce(r.pieces, 0)
           OR (h.returned > 0 AND (h.status = 'RETURNED') <> (h.returned = h.quantity))
        """,
    ),
)

_MONEY = (
    Invariant(
        "orders_add_up",
        "An order's total is its lines and its delivery.",
        """
        SELECT format('%s: total %s, items %s, lines %s, delivery %s', o.number, o.total,
                      o.items_total, coalesce(l.total, 0), o.delivery_price)
        FROM orders_order o
        LEFT JOIN (SELECT order_id, sum(quantity * unit_price) AS total
                   FROM orders_orderline GROUP BY order_id) l ON l.order_id = o.id
        WHERE l.total IS DISTINCT FROM o.items_total OR o.total <> l.total + o.delivery_price
        """,
    ),
    Invariant(
        "orders_have_their_payment",
        "An order has one payment: the same transaction id, amount and currency.",
        """
        SELECT format('%s: %s', o.number, CASE WHEN p.id IS NULL THEN 'no payment'
                      ELSE format('total %s %s, payment %s %s', o.total, o.currency,
                                  p.amount, p.currency) END)
        FROM orders_order o
        LEFT JOIN payments_payment p ON p.order_id = o.id
        WHERE p.id IS NULL OR (p.transaction_id, p.amount, p.currency)
                              <> (o.transaction_id, o.total, o.currency)
        """,
    ),
    Invariant(
        "statuses_agree",
        "Order and payment move together.",
        """
        SELECT format('%s is %s, its payment %s', o.number, o.status, p.status)
        FROM orders_order o JOIN payments_payment p ON p.order_id = o.id
        WHERE p.status <> ALL (CASE o.status
            WHEN 'PENDING' THEN ARRAY['PENDING', 'CAPTURING', 'REVIEW']
            WHEN 'FAILED' THEN ARRAY['FAILED']
            ELSE ARRAY['SUCCESS', 'PARTIALLY_REFUNDED', 'REFUNDED'] END)
        """,
    ),
    Invariant(
        "paid_payments_have_their_capture",
        "A payment that is paid or in review has one settling capture of its amount, no other.",
        """
        SELECT format('%s: payment %s of %s %s, capture %s', o.number, p.status, p.amount,
                      p.currency, coalesce(format('%s of %s %s', c.status, c.amount, c.currency),
                                           'none'))
        FROM payments_payment p
        JOIN orders_order o ON o.id = p.order_id
        LEFT JOIN payments_capture c ON c.payment_id = p.id AND c.is_settling
        WHERE CASE
            WHEN p.status IN ('SUCCESS', 'PARTIALLY_REFUNDED', 'REFUNDED')
            THEN (c.amount, c.currency) IS DISTINCT FROM (p.amount, p.currency)
                 OR c.status NOT IN ('COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED')
            WHEN p.status = 'REVIEW'
            THEN (c.amount, c.currency, c.status) IS DISTINCT FROM (p.amount, p.currency, 'PENDING')
            ELSE c.status IN ('COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED') END
        """,
    ),
    Invariant(
        "refunds_agree",
        "A payment's status says how much of it was refunded.",
        """
        SELECT format('%s: payment %s of %s, refunded %s', o.number, p.status, p.amount,
                      coalesce(r.amount, 0))
        FROM payments_payment p
        JOIN orders_order o ON o.id = p.order_id
        JOIN payments_capture c ON c.payment_id = p.id AND c.is_settling
        LEFT JOIN (SELECT capture_id, sum(amount) AS amount FROM payments_refund
                   WHERE status = 'COMPLETED' GROUP BY capture_id) r ON r.capture_id = c.id
        WHERE p.status IN ('SUCCESS', 'PARTIALLY_REFUNDED', 'REFUNDED')
          AND p.status <> CASE WHEN coalesce(r.amount, 0) = 0 THEN 'SUCCESS'
                               WHEN r.amount < p.amount THEN 'PARTIALLY_REFUNDED'
                               ELSE 'REFUNDED' END
        """,
    ),
    Invariant(
        "captured_money_is_accounted_for",
        "Every captured cent belongs to an order that is fulfilled, refunded or flagged.",
        """
        SELECT format('%s: capture %s of %s %s, going back %s, order %s', o.number, c.paypal_id,
                      c.amount, c.currency, coalesce(r.amount, 0), o.status)
        FROM payments_capture c
        JOIN payments_payment p ON p.id = c.payment_id
        JOIN orders_order o ON o.id = p.order_id
        LEFT JOIN (SELECT capture_id, sum(amount) AS amount,
                          sum(amount) FILTER (WHERE status = 'COMPLETED') AS completed,
                          sum(amount) FILTER (WHERE request_id IS NOT NULL) AS ours
                   FROM payments_refund
                   WHERE status NOT IN ('FAILED', 'CANCELLED') GROUP BY capture_id) r
            ON r.capture_id = c.id
        WHERE c.status IN ('COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED')
          AND (greatest(r.completed, r.ours, 0) > c.amount
               OR (coalesce(r.amount, 0) < c.amount AND o.flag = ''
                   AND NOT (c.is_settling AND o.status IN ('SUCCESS', 'SHIPPED', 'DELIVERED'))))
        """,
    ),
    Invariant(
        "open_refunds_are_followed",
        "A refund that has not ended is sent or asked about again.",
        """
        SELECT format('%s: refund of %s %s is %s', o.number, r.amount, r.currency, r.status)
        FROM payments_refund r
        JOIN payments_capture c ON c.id = r.capture_id
        JOIN payments_payment p ON p.id = c.payment_id
        JOIN orders_order o ON o.id = p.order_id
        WHERE (r.status IN ('COMPLETED', 'FAILED', 'CANCELLED')) <> (r.ask_at IS NULL)
        """,
    ),
    Invariant(
        "refunds_have_their_event",
        "Every completed refund is told once.",
        """
        SELECT format('%s: %s refunds, %s events', coalesce(r.number, e.subject),
                      coalesce(r.refunds, 0), coalesce(e.events, 0))
        FROM (SELECT o.number, count(*) AS refunds
              FROM payments_refund r
              JOIN payments_capture c ON c.id = r.capture_id
              JOIN payments_payment p ON p.id = c.payment_id
              JOIN orders_order o ON o.id = p.order_id
              WHERE r.status = 'COMPLETED' GROUP BY o.number) r
        FULL JOIN (SELECT subject, count(*) AS events FROM notifications_event
                   WHERE type = 'payment.refunded' GROUP BY subject) e ON e.subject = r.number
        WHERE r.refunds IS DISTINCT FROM e.events
        """,
    ),
)


def _unbroken(table: str, owner: str, owned_by: str, number: str) -> str:
    """Find rows whose status is not where their steps, one from the other, have led."""
    return f"""
        SELECT format('%s is %s: its history is not', {number}, owner.status)
        FROM {owned_by}
        LEFT JOIN (
            SELECT {owner} AS id, bool_and(old = before) AS is_unbroken,
                   max(new) FILTER (WHERE after IS NULL) AS status
            FROM (SELECT {owner}, old, new, lag(new, 1, '') OVER steps AS before,
                         lead(new) OVER steps AS after
                  FROM {table} WINDOW steps AS (PARTITION BY {owner} ORDER BY id)) AS step
            GROUP BY {owner}) history ON history.id = owner.id
        WHERE history.status IS DISTINCT FROM owner.status OR NOT history.is_unbroken
    """  # noqa: S608 - names of our own tables


_HISTORY = (
    Invariant(
        "orders_have_their_history",
        "An order's steps follow one another and end at its status.",
        _unbroken("orders_ordertransition", "order_id", "orders_order owner", "owner.number"),
    ),
    Invariant(
        "payments_have_their_history",
        "A payment's steps follow one another and end at its status.",
        _unbroken(
            "payments_paymenttransition",
            "payment_id",
            "payments_payment owner JOIN orders_order o ON o.id = owner.order_id",
            "o.number",
        ),
    ),
    Invariant(
        "steps_have_their_event",
        "Every step of an order has its event; it is placed and confirmed once.",
        """
        SELECT format('%s: %s %s', o.number, step.new,
                      CASE WHEN e.is_once THEN 'has no event' ELSE 'is told twice' END)
        FROM orders_order o
        JOIN orders_ordertransition step ON step.order_id = o.id AND step.old <> step.new
        JOIN (VALUES
            ('PENDING', '', ARRAY['order.placed']),
            ('SUCCESS', '', ARRAY['order.confirmed']),
            ('FAILED', 'declined', ARRAY['order.payment_failed', 'order.expired']),
            ('FAILED', 'cancelled', ARRAY['order.payment_failed']),
            ('FAILED', 'cancelled_by_shop', ARRAY['order.cancelled']),
            ('FAILED', 'expired', ARRAY['order.expired']),
            ('FAILED', 'sold_out', ARRAY['order.sold_out']),
            ('FAILED', 'superseded', ARRAY['order.superseded']),
            ('FAILED', 'payment_mismatch', ARRAY['order.payment_mismatch']),
            ('SHIPPED', '', ARRAY['order.shipped']),
            ('DELIVERED', '', ARRAY['order.delivered']),
            ('CANCELLED', '', ARRAY['order.cancelled'])
        ) wanted (new, reason, types)
            ON step.new = wanted.new AND wanted.reason IN ('', step.reason)
        LEFT JOIN (
            SELECT subject, array_agg(type::text) AS types,
                   count(*) FILTER (WHERE type = 'order.placed') < 2
                   AND count(*) FILTER (WHERE type = 'order.confirmed') < 2 AS is_once
            FROM notifications_event GROUP BY subject) e ON e.subject = o.number
        WHERE (e.types && wanted.types) IS NOT TRUE OR (step.new = 'PENDING' AND NOT e.is_once)
        """,
    ),
    Invariant(
        "events_are_on_their_way",
        "Every event waits for Kafka, is on Kafka, or was set aside.",
        """
        SELECT format('%s of %s (%s)', e.type, e.subject, e.id)
        FROM notifications_event e
        LEFT JOIN notifications_outboxentry waiting ON waiting.event_id = e.id
        LEFT JOIN notifications_publishedevent published ON published.event_id = e.id
        LEFT JOIN notifications_quarantinedevent aside ON aside.event_id = e.id
        WHERE num_nonnulls(waiting.event_id, published.event_id, aside.event_id) = 0
        """,
    ),
    Invariant(
        "no_event_was_passed_over",
        "Where later events of its partition were entered as emails, so was every event to be told,"
        " or it is a dead letter; `republish_events` publishes it again.",
        """
        SELECT format('%s of %s (%s), published %s', e.type, e.subject, e.id, p.published_at)
        FROM notifications_publishedevent p
        JOIN (SELECT id, type, subject FROM notifications_event
              WHERE personal #> '{deliver_to,0}' IS NOT NULL
              OFFSET 0) e ON e.id = p.event_id  -- read whole, not looked up one by one
        JOIN notifications_emaildelivery latest
            ON (latest.topic, latest.partition) = (p.topic, p.partition)
        LEFT JOIN notifications_emaildelivery entered ON entered.event_id = p.event_id
        LEFT JOIN notifications_deadletter dead ON dead.event_id = p.event_id::text
        LEFT JOIN notifications_outboxentry waiting ON waiting.event_id = p.event_id
        WHERE latest.id IN (SELECT max(id) FROM notifications_emaildelivery
                            WHERE resend = 0  -- nor replayed: those say nothing of where it reads
                              AND event_id::text NOT IN (
                                  SELECT event_id FROM notifications_deadletter
                                  WHERE delivery_id IS NULL)
                            GROUP BY topic, partition)
          AND latest."offset" > p."offset" AND latest.created_at > p.published_at
          AND entered.event_id IS NULL AND dead.event_id IS NULL AND waiting.event_id IS NULL
        """,
    ),
    Invariant(
        "emails_have_their_event",
        "Every email that came from a topic is about an event.",
        """
        SELECT format('email %s: %s of %s', d.id, d.event_type, d.subject)
        FROM notifications_emaildelivery d
        LEFT JOIN notifications_event e ON e.id = d.event_id
        WHERE e.id IS NULL AND d.topic <> ''
        """,
    ),
)

INVARIANTS = (*_STOCK, *_MONEY, *_HISTORY)
