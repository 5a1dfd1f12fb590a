-- Where was ordered lately is read for the map of demand.
create index delivery_by_region_and_time on delivery (region, created_at_ms);
