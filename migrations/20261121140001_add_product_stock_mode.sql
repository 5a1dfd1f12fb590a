-- Not everything that is sold is counted, and some is counted anew each day.
alter table product add column stock_mode varchar(16) not null default 'counted' check (stock_mode in ('counted', 'unlimited', 'daily'));
