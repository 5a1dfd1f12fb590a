-- The transport of an order.
create table delivery (
    delivery_id varchar(64) not null primary key,
    order_id varchar(64) not null,
    store_id varchar(64) not null,
    state varchar(16) not null check (state in ('waiting', 'offering', 'pooled', 'assigned', 'arrived_pickup', 'picked_up', 'arrived_dropoff', 'delivered', 'returning', 'returned', 'failed', 'cancelled')),
    version bigint not null,
    -- Null while nobody holds it.
    rider_id varchar(64),
    region varchar(12) not null,
    pool_cell varchar(12) not null,
    pickup_lat double precision not null,
    pickup_lng double precision not null,
    dropoff_lat double precision not null,
    dropoff_lng double precision not null,
    n_offers integer not null,
    pay_minor bigint not null,
    currency char(3) not null,
    ready_at_ms bigint not null,
    created_at_ms bigint not null,
    -- Null until a rider held it.
    assigned_at_ms bigint
);
