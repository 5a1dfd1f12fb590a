-- An order's delivery is read with each change of the order.
create index delivery_by_order on delivery (order_id);
