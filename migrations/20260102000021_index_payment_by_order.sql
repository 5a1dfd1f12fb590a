-- The attempts of one order.
create index payment_by_order on payment (order_id);
