-- Address books of customers.
create table address_entry (
    address_id varchar(64) not null primary key,
    customer_id varchar(64) not null,
    -- What the customer calls it, as Home; null if nothing.
    label varchar(40),
    recipient varchar(80) not null,
    -- Null if the recipient need not be called.
    phone varchar(20),
    address varchar(300) not null,
    lat double precision not null,
    lng double precision not null,
    is_default boolean not null,
    created_at_ms bigint not null
);
