-- Nobody else need know that the table was made anew.
alter table customer_order_anew rename to customer_order;
