-- The refunds of one order.
create index refund_by_order on refund (order_id);
