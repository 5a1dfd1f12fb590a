-- Since when customer and store know that nobody is found; null if somebody was found in time.
alter table delivery add column no_rider_ms bigint;
