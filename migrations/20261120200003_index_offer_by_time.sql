-- How riders have answered in the last hours is counted every half minute.
create index offer_by_time on offer (created_at_ms);
