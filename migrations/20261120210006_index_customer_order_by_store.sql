-- A store's open orders.
create index customer_order_by_store on customer_order (store_id, placed_at_ms);
