-- What was chosen with the product, at the names and prices of that moment, as JSON. Null for nothing.
alter table order_line add column options text;
