-- When the day of the stock begins, in minutes after midnight UTC; null like stock_per_day.
alter table product add column stock_resets_min integer;
