-- How many there are each day; null unless the stock is counted anew each day.
alter table product add column stock_per_day bigint;
