-- Orders of before hold what they took.
insert into stock_hold (order_id, product_id, quantity, state, since_ms)
select l.order_id, l.product_id, sum(l.quantity),
       case when min(o.state) in ('pending_payment', 'paying') then 'reserved' else 'sold' end,
       min(o.placed_at_ms)
  from order_line l join customer_order o on o.order_id = l.order_id
 where o.state not in ('rejected', 'cancelled', 'closed')
 group by l.order_id, l.product_id;
