-- Pieces of orders that were paid and did not end before pickup.
alter table product add column stock_sold bigint not null default 0 check (stock_sold >= 0);
