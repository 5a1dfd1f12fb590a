-- The numbers of before the holds were written down: reserved.
update product set stock_reserved = coalesce((select sum(h.quantity) from stock_hold h where h.product_id = product.product_id and h.state = 'reserved'), 0);
