-- An exclusive, timed proposal of one delivery to one rider.
create table offer (
    offer_id varchar(64) not null primary key,
    delivery_id varchar(64) not null,
    order_id varchar(64) not null,
    rider_id varchar(64) not null,
    state varchar(16) not null check (state in ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
    expires_at_ms bigint not null,
    created_at_ms bigint not null,
    -- Null while open.
    closed_at_ms bigint
);
