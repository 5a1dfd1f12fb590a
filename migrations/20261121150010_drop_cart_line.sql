-- Its rows are in cart_item.
drop table cart_line;
