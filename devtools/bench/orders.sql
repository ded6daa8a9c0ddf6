-- Orders of every kind that has nothing due: the first %(open)s are unpaid, those up to %(all)s delivered.
-- Triggers and foreign keys are off in this session: the rows are as the shop would have left them.
SET session_replication_role = replica;

INSERT INTO inventory_stock (sku, on_hand, held, low_stock_threshold)
VALUES ('BENCH', 10000000, %(open)s, 5);

INSERT INTO orders_order
  (id, number, token, transaction_id, status, reason, fingerprint, cart_id, email, full_name, phone,
   line1, line2, city, postal_code, country, locale, currency, items_total, delivery_name,
   delivery_price, total, placed_at, expires_at, cancel_reason, cancelled_by, carrier,
   tracking_number, flag)
SELECT n, 'B' || n, md5(n::text), md5(n::text)::uuid,
       CASE WHEN n <= %(open)s THEN 'PENDING' ELSE 'DELIVERED' END, '', '', md5(n::text)::uuid,
       'bench' || n || '@example.com', 'Bench Mark', '', '1 Fast Street', '', 'Đà Lạt', '66000',
       'VN', 'en', 'USD', 12.50, 'Standard', 4, 16.50,
       now() - n * interval '10 seconds', now() + interval '2 hours', '', '', '', '', ''
FROM generate_series(1, %(all)s) AS n;

INSERT INTO payments_payment (id, order_id, transaction_id, status, amount, currency)
SELECT id, id, transaction_id, CASE WHEN status = 'PENDING' THEN 'PENDING' ELSE 'SUCCESS' END,
       total, currency
FROM orders_order;

INSERT INTO payments_paymentattempt
  (id, payment_id, number, status, issue, create_request_id, paypal_order_id, approve_url,
   opened_at, ask_at, asked)
SELECT id, id, 1, CASE WHEN status = 'PENDING' THEN 'OPEN' ELSE 'CLOSED' END, '', transaction_id,
       'BENCH' || id, '', now(),
       CASE WHEN status = 'PENDING' THEN now() + interval '1 hour' END, 3
FROM orders_order;

-- Captured money is compared with PayPal's word for 180 days.
INSERT INTO payments_capture
  (id, payment_id, attempt_id, paypal_id, status, amount, currency, is_settling, recorded_at, ask_at)
SELECT id, id, id, 'BENCH' || id, 'COMPLETED', total, currency, true, placed_at,
       CASE WHEN placed_at > now() - interval '180 days' THEN now() + interval '1 day' END
FROM orders_order WHERE status = 'DELIVERED';

INSERT INTO inventory_stockhold (id, reference, sku, quantity, status, held_until)
SELECT id, transaction_id, 'BENCH', 1, CASE WHEN status = 'PENDING' THEN 'HELD' ELSE 'SOLD' END,
       now() + interval '1 hour'
FROM orders_order;

SET session_replication_role = DEFAULT;
ANALYZE;
