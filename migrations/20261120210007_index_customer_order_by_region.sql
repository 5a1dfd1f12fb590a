-- A region's open orders, for operators.
create index customer_order_by_region on customer_order (region, ended_at_ms);
