-- The log begins with what there was.
insert into stock_move (product_id, version, kind, available, reserved, sold, order_id, by_role, by_id, reason, at_ms)
select product_id, 0, 'opened', stock, stock_reserved, stock_sold, null, 'system', null, null, created_at_ms from product;
