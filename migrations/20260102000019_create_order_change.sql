-- The story of each order: who moved which machine, from where to where, why and when.
create table order_change (
    order_id varchar(64) not null,
    seq bigint not null,
    machine varchar(16) not null check (machine in ('order', 'payment', 'delivery', 'offer', 'refund')),
    event varchar(32) not null,
    -- Null when the thing was created.
    from_state varchar(16),
    to_state varchar(16) not null,
    by_role varchar(16) not null check (by_role in ('customer', 'merchant', 'rider', 'operator', 'system', 'provider')),
    -- Null unless it was a person.
    by_id varchar(64),
    -- Null if none was given.
    reason varchar(32),
    at_ms bigint not null,
    primary key (order_id, seq)
);
