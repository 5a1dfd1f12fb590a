-- A customer's orders, newest first.
create index customer_order_by_customer on customer_order (customer_id, placed_at_ms);
