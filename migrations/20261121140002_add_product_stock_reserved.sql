-- Pieces that orders hold which are not paid yet; `stock` is what nobody holds.
alter table product add column stock_reserved bigint not null default 0 check (stock_reserved >= 0);
