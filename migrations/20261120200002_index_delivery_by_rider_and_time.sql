-- What each rider has got since he came on duty is counted every half minute.
create index delivery_by_rider_time on delivery (rider_id, assigned_at_ms);
