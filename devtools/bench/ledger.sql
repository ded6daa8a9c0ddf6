-- %(rows)s events of the past, each with its settled email.
WITH made AS (
    INSERT INTO notifications_event (id, type, subject, recorded_at, traceparent, body, personal)
    SELECT gen_random_uuid(), 'order.confirmed', 'H-' || number, now() - interval '1 day',
           '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '{}', '{}'
    FROM generate_series(1, %(rows)s) AS number
    RETURNING id, type, subject, recorded_at
)
INSERT INTO notifications_emaildelivery
    (event_id, role, address_hash, resend, event_type, subject, recorded_at, email, name, locale,
     message_id, topic, status, attempts, created_at, settled_at)
SELECT id, 'customer', md5(subject), 0, type, subject, recorded_at, 'mai@example.com', 'Mai', 'en',
       '<' || id || '@example.com>', 'email-notification', 'SENT', 1, recorded_at, recorded_at
FROM made;
ANALYZE notifications_event, notifications_emaildelivery;
