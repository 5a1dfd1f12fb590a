-- Who left a delivery before pickup, or was taken off it: he is not asked again for a while.
create table delivery_left (
    delivery_id varchar(64) not null,
    rider_id varchar(64) not null,
    reason varchar(32) not null,
    left_at_ms bigint not null,
    primary key (delivery_id, rider_id)
);
