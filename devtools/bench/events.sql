-- %(count)s events of one order each, in the outbox.
WITH made AS (
    INSERT INTO notifications_event (id, type, subject, recorded_at, traceparent, body, personal)
    SELECT gen_random_uuid(), 'order.confirmed', 'G-' || substr(gen_random_uuid()::text, 1, 18),
           now(), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
           %(body)s::jsonb, %(personal)s::jsonb
    FROM generate_series(1, %(count)s)
    RETURNING id
)
INSERT INTO notifications_outboxentry (event_id) SELECT id FROM made;
