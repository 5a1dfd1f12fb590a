-- Orders that were placed before stay: they had items and a delivery fee.
insert into customer_order_anew (order_id, customer_id, store_id, state, version, seq, items_minor,
    delivery_fee_minor, total_minor, carriage_minor, currency, region, dropoff_lat, dropoff_lng,
    dropoff_address, note, placed_at_ms, paid_at_ms, accepted_at_ms, ready_at_ms, delivered_at_ms,
    ended_at_ms)
select order_id, customer_id, store_id, state, version, seq, items_minor, delivery_fee_minor,
    total_minor, delivery_fee_minor, currency, region, dropoff_lat, dropoff_lng, dropoff_address,
    note, placed_at_ms, paid_at_ms, accepted_at_ms, ready_at_ms, delivered_at_ms, ended_at_ms
from customer_order;
