-- Stores of one region, for operators and the list of regions.
create index store_by_region on store (region);
