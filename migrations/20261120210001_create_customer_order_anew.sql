-- Orders with every part of their price: the old check knew items and delivery fee only, and a check cannot be changed in place on both engines.
create table customer_order_anew (
    order_id varchar(64) not null primary key,
    customer_id varchar(64) not null,
    store_id varchar(64) not null,
    state varchar(16) not null check (state in ('pending_payment', 'paying', 'paid', 'accepted', 'preparing', 'ready', 'picked_up', 'delivered', 'completed', 'rejected', 'cancelled', 'closed')),
    version bigint not null,
    seq bigint not null,
    items_minor bigint not null check (items_minor >= 0),
    packing_minor bigint not null default 0 check (packing_minor >= 0),
    delivery_fee_minor bigint not null check (delivery_fee_minor >= 0),
    discount_minor bigint not null default 0 check (discount_minor >= 0),
    tip_minor bigint not null default 0 check (tip_minor >= 0),
    total_minor bigint not null check (total_minor >= 0),
    -- What the rider's way is worth, also where the customer need not pay it.
    carriage_minor bigint not null default 0 check (carriage_minor >= 0),
    currency char(3) not null,
    region varchar(12) not null,
    dropoff_lat double precision not null,
    dropoff_lng double precision not null,
    dropoff_address varchar(300) not null,
    -- Null if the customer left none.
    note varchar(500),
    -- For how many people cutlery is wanted. Null if the customer did not say.
    cutlery integer check (cutlery between 0 and 99),
    -- Whom to ask for at the door, and where to call. Null if the customer did not say.
    contact_name varchar(80),
    contact_phone varchar(32),
    -- The store's day and the number of the order on it. Null for orders from before there were numbers.
    day_name char(8),
    day_no integer check (day_no > 0),
    -- For when it was ordered, and from when the kitchen is to work on it. Null for as soon as possible.
    scheduled_for_ms bigint,
    release_at_ms bigint,
    placed_at_ms bigint not null,
    -- The rest is null until it has happened.
    paid_at_ms bigint,
    accepted_at_ms bigint,
    ready_at_ms bigint,
    delivered_at_ms bigint,
    ended_at_ms bigint,
    constraint customer_order_number unique (store_id, day_name, day_no),
    check (total_minor = items_minor + packing_minor + delivery_fee_minor + tip_minor - discount_minor)
);
