-- What the packing of one piece cost.
alter table order_line add column packing_minor bigint not null default 0;
