-- A rider's open work is read with each change of the route.
create index delivery_by_rider on delivery (rider_id, state);
