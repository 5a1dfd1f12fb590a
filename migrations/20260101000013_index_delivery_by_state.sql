-- The dispatcher reloads what waits.
create index delivery_by_state on delivery (state, region);
