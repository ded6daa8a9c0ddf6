-- What the orders of orders.sql have behind them: lines, movements, steps, events on Kafka, emails sent.
-- With it the books balance. An event's body and personal part are %(body)s and %(personal)s.
SET session_replication_role = replica;

INSERT INTO orders_orderline
  (order_id, sku, name, variant_name, slug, picture, quantity, unit_price)
SELECT id, 'BENCH', 'Bench tea', '100 g', 'bench-tea', '', 1, items_total FROM orders_order;

INSERT INTO inventory_stockmovement
  (sku, kind, on_hand_change, held_change, reference, by, moved_at)
SELECT 'BENCH', 'hold', 0, 1, transaction_id, 'customer', placed_at FROM orders_order
UNION ALL
SELECT 'BENCH', 'sale', -1, -1, transaction_id, 'return', placed_at FROM orders_order
WHERE status = 'DELIVERED'
UNION ALL
SELECT 'BENCH', 'stocktake', 10000000 + count(*), 0, NULL, 'bench', now() FROM orders_order
WHERE status = 'DELIVERED';

INSERT INTO orders_ordertransition (order_id, old, new, reason, by, at)
SELECT id, '', 'PENDING', '', 'customer', placed_at FROM orders_order
UNION ALL
SELECT id, step.old, step.new, '', 'bench', placed_at
FROM orders_order, (VALUES (1, 'PENDING', 'SUCCESS'), (2, 'SUCCESS', 'SHIPPED'),
                           (3, 'SHIPPED', 'DELIVERED')) AS step (place, old, new)
WHERE status = 'DELIVERED';

INSERT INTO payments_paymenttransition (payment_id, old, new, reason, by, at)
SELECT id, '', 'PENDING', '', 'customer', now() FROM payments_payment
UNION ALL
SELECT id, step.old, step.new, '', 'return', now()
FROM payments_payment, (VALUES (1, 'PENDING', 'CAPTURING'), (2, 'CAPTURING', 'SUCCESS'))
                       AS step (place, old, new)
WHERE status = 'SUCCESS';

INSERT INTO notifications_event (id, type, subject, recorded_at, traceparent, body, personal)
SELECT md5(told.type || number)::uuid, told.type, number, placed_at,
       '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', %(body)s::jsonb,
       %(personal)s::jsonb
FROM orders_order, (VALUES ('order.placed'), ('order.confirmed'), ('order.shipped'),
                           ('order.delivered')) AS told (type)
WHERE status = 'DELIVERED' OR told.type = 'order.placed';

INSERT INTO notifications_publishedevent (event_id, topic, partition, "offset", published_at)
SELECT id, 'email-notification', 0, row_number() OVER (), recorded_at FROM notifications_event;

INSERT INTO notifications_emaildelivery
  (event_id, role, address_hash, resend, event_type, subject, recorded_at, email, name, locale,
   message_id, topic, status, attempts, created_at, settled_at)
SELECT id, 'customer', md5(subject), 0, type, subject, recorded_at, 'bench@example.com', 'Bench',
       'en', '<' || id || '@example.com>', 'email-notification', 'SENT', 1, recorded_at,
       recorded_at
FROM notifications_event WHERE type IN ('order.confirmed', 'order.shipped');

SET session_replication_role = DEFAULT;
