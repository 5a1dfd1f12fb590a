-- Counts the changes of the stock, so that of two readings one knows the newer.
alter table product add column stock_version bigint not null default 0;
