-- Since when `stock` is counted: what was reserved earlier does not come back into it.
alter table product add column stock_since_ms bigint not null default 0;
