-- Places that cook or sell.
create table store (
    store_id varchar(64) not null primary key,
    owner_id varchar(64) not null,
    name varchar(80) not null,
    -- Null if the merchant gave none.
    address varchar(300),
    lat double precision not null,
    lng double precision not null,
    region varchar(12) not null,
    currency char(3) not null,
    prep_min integer not null check (prep_min between 0 and 240),
    delivery_fee_minor bigint not null check (delivery_fee_minor >= 0),
    min_order_minor bigint not null check (min_order_minor >= 0),
    radius_m integer not null check (radius_m > 0),
    is_open boolean not null,
    created_at_ms bigint not null
);
