-- The numbers of before the holds were written down: sold.
update product set stock_sold = coalesce((select sum(h.quantity) from stock_hold h where h.product_id = product.product_id and h.state = 'sold'), 0);
