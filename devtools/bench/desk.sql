-- %(all)s orders as staff find them after a long day: every status, every payment, names and
-- addresses that differ, and each order's whole story. Triggers and foreign keys are off: the rows
-- are as the shop would have left them.
SET session_replication_role = replica;

INSERT INTO inventory_stock (sku, on_hand, held, low_stock_threshold)
SELECT 'DESK-' || n, 1000, 0, 5 FROM generate_series(1, 200) AS n;

WITH told AS (
    SELECT n,
           CASE WHEN n <= %(all)s / 1000 THEN 'PENDING'
                WHEN n %% 1000 = 7 THEN 'CANCELLED'
                WHEN n %% 10 = 3 THEN 'FAILED'
                WHEN n <= %(all)s / 100 THEN 'SUCCESS'
                WHEN n <= %(all)s / 50 THEN 'SHIPPED'
                ELSE 'DELIVERED' END AS status,
           (ARRAY['Nguyễn', 'Trần', 'Lê', 'Phạm', 'Hoàng', 'Vũ', 'Đặng', 'Bùi'])[1 + n %% 8] || ' '
           || (ARRAY['Lan', 'Mai', 'Quang', 'Minh', 'Hà', 'Sơn', 'Thu', 'Bình', 'Ngọc'])[1 + n %% 9]
           || ' ' || substr(md5(n::text), 1, 5) AS full_name
    FROM generate_series(1, %(all)s) AS n
)
INSERT INTO orders_order
  (id, number, token, transaction_id, status, reason, fingerprint, cart_id, email, full_name, phone,
   line1, line2, city, postal_code, country, locale, currency, items_total, delivery_name,
   delivery_price, total, placed_at, expires_at, cancel_wished_at, cancel_reason, cancelled_by,
   carrier, tracking_number, flag)
SELECT n, 'G' || upper(substr(md5('n' || n), 1, 4)) || n, md5(n::text), md5(n::text)::uuid,
       status, CASE WHEN status = 'FAILED'
                    THEN (ARRAY['expired', 'expired', 'declined', 'sold_out'])[1 + n / 10 %% 4]
                    ELSE '' END,
       '', md5(n::text)::uuid, substr(md5('e' || n), 1, 8) || n || '@example.com', full_name, '',
       '1 Fast Street', '', 'Đà Lạt', '66000', 'VN', 'en', 'USD', 12.50, 'Standard', 4, 16.50,
       now() - n * interval '10 seconds', now() + interval '2 hours',
       CASE WHEN status = 'SUCCESS' AND n %% 500 = 1 THEN now() END, '', '',
       CASE WHEN status IN ('SHIPPED', 'DELIVERED') THEN 'VNPost' ELSE '' END,
       CASE WHEN status IN ('SHIPPED', 'DELIVERED') THEN 'EE' || n || 'VN' ELSE '' END,
       CASE WHEN n %% 20000 = 11 THEN 'disputed' ELSE '' END
FROM told ORDER BY n DESC;

INSERT INTO payments_payment (id, order_id, transaction_id, status, amount, currency)
SELECT id, id, transaction_id,
       CASE WHEN status = 'CANCELLED' THEN 'REFUNDED'
            WHEN status IN ('PENDING', 'FAILED') AND id %% 5000 = 13 THEN 'REVIEW'
            WHEN status IN ('PENDING', 'FAILED') THEN status
            WHEN id %% 5000 = 17 THEN 'PARTIALLY_REFUNDED'
            ELSE 'SUCCESS' END,
       total, currency
FROM orders_order ORDER BY id DESC;

INSERT INTO payments_paymentattempt
  (id, payment_id, number, status, issue, create_request_id, paypal_order_id, approve_url,
   opened_at, asked)
SELECT id, id, 1, CASE WHEN status = 'PENDING' THEN 'OPEN' ELSE 'CLOSED' END, '', transaction_id,
       'DESK' || id, '', placed_at, 3
FROM orders_order ORDER BY id DESC;

INSERT INTO payments_capture
  (id, payment_id, attempt_id, paypal_id, status, amount, currency, is_settling, recorded_at)
SELECT id, id, id, 'CAPTURE' || id, 'COMPLETED', total, currency, true, placed_at
FROM orders_order WHERE status NOT IN ('PENDING', 'FAILED') ORDER BY id DESC;

INSERT INTO payments_refund
  (id, capture_id, paypal_id, status, amount, currency, reason, issue, by, requested_at, asked)
SELECT id, id, 'REFUND' || id, 'COMPLETED', total, currency, 'cancelled', '', 'desk', placed_at, 1
FROM orders_order WHERE status = 'CANCELLED' ORDER BY id DESC;

INSERT INTO orders_orderline (order_id, sku, name, variant_name, slug, picture, quantity, unit_price)
SELECT id, 'DESK-' || 1 + id %% 200, 'Lotus tea', '', 'lotus-tea', '', 1, 12.50
FROM orders_order ORDER BY id DESC;

INSERT INTO orders_ordertransition (order_id, old, new, reason, by, at)
SELECT id, '', 'PENDING', '', 'customer', placed_at FROM orders_order ORDER BY id DESC;
INSERT INTO payments_paymenttransition (payment_id, old, new, reason, by, at)
SELECT id, '', 'PENDING', '', 'customer', placed_at FROM orders_order ORDER BY id DESC;

INSERT INTO inventory_stockhold (id, reference, sku, quantity, status, held_until)
SELECT id, transaction_id, 'DESK-' || 1 + id %% 200, 1,
       CASE WHEN status = 'PENDING' THEN 'HELD' WHEN status = 'FAILED' THEN 'RELEASED'
            ELSE 'SOLD' END, placed_at
FROM orders_order ORDER BY id DESC;
INSERT INTO inventory_stockmovement
  (sku, kind, on_hand_change, held_change, reference, by, moved_at)
SELECT sku, 'hold', 0, 1, reference, 'customer', held_until FROM inventory_stockhold;

WITH made AS (
    INSERT INTO notifications_event (id, type, subject, recorded_at, traceparent, body, personal)
    SELECT transaction_id, 'order.confirmed', number, placed_at, '', '{}', '{}'
    FROM orders_order ORDER BY id DESC
    RETURNING id, type, subject, recorded_at
), published AS (
    INSERT INTO notifications_publishedevent (event_id, topic, partition, "offset", published_at)
    SELECT id, 'email-notification', 1, row_number() OVER (), recorded_at FROM made
)
INSERT INTO notifications_emaildelivery
    (event_id, role, address_hash, resend, event_type, subject, recorded_at, email, name, locale,
     message_id, topic, status, attempts, created_at, settled_at)
SELECT id, 'customer', md5(subject), 0, type, subject, recorded_at, 'mai@example.com', 'Mai', 'en',
       '<' || id || '@example.com>', 'email-notification', 'SENT', 1, recorded_at, recorded_at
FROM made;

INSERT INTO payments_gatewaycall (operation, about, debug_id, outcome, milliseconds, at)
SELECT 'capture_order', 'DESK' || id, 'd' || id, 'COMPLETED', 200, placed_at
FROM orders_order ORDER BY id DESC;
INSERT INTO payments_webhookreceipt
  (event_id, event_type, paypal_order_id, body, headers, received_at, processed_at, outcome)
SELECT 'WH-' || id, 'PAYMENT.CAPTURE.COMPLETED', 'DESK' || id, '{}', '{}', placed_at, placed_at, ''
FROM orders_order WHERE status NOT IN ('PENDING', 'FAILED') ORDER BY id DESC;

SET session_replication_role = DEFAULT;
