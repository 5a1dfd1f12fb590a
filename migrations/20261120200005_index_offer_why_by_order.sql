-- Operators look at the decisions about one order.
create index offer_why_by_order on offer_why (order_id, at_ms);
