-- Rings of cells around the store's own that the grab pool shows the delivery in.
alter table delivery add column reach integer not null default 0;
