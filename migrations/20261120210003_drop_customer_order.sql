-- Its rows are in customer_order_anew.
drop table customer_order;
