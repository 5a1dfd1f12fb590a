-- Orders: the commercial and kitchen side. Seq numbers the lines of the order's story.
create table customer_order (
    order_id varchar(64) not null primary key,
    customer_id varchar(64) not null,
    store_id varchar(64) not null,
    state varchar(16) not null check (state in ('pending_payment', 'paying', 'paid', 'accepted', 'preparing', 'ready', 'picked_up', 'delivered', 'completed', 'rejected', 'cancelled', 'closed')),
    version bigint not null,
    seq bigint not null,
    items_minor bigint not null check (items_minor >= 0),
    delivery_fee_minor bigint not null check (delivery_fee_minor >= 0),
    total_minor bigint not null,
    currency char(3) not null,
    region varchar(12) not null,
    dropoff_lat double precision not null,
    dropoff_lng double precision not null,
    dropoff_address varchar(300) not null,
    -- Null if the customer left none.
    note varchar(500),
    placed_at_ms bigint not null,
    -- The rest is null until it has happened.
    paid_at_ms bigint,
    accepted_at_ms bigint,
    ready_at_ms bigint,
    delivered_at_ms bigint,
    ended_at_ms bigint,
    check (total_minor = items_minor + delivery_fee_minor)
);
