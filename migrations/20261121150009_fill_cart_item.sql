-- Lines from before there were choices stay.
insert into cart_item (customer_id, store_id, line_key, product_id, options, quantity, is_selected, updated_at_ms)
select customer_id, store_id, product_id, product_id, '', quantity, true, updated_at_ms from cart_line;
