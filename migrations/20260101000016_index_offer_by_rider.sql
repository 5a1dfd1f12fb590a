-- Open offers are sent again to a rider who connects.
create index offer_by_rider on offer (rider_id, state);
