-- What a store sells, and how many are left.
create table product (
    product_id varchar(64) not null primary key,
    store_id varchar(64) not null,
    name varchar(120) not null,
    -- Null if the merchant gave none.
    description varchar(2000),
    price_minor bigint not null check (price_minor >= 0),
    currency char(3) not null,
    stock bigint not null check (stock >= 0),
    is_listed boolean not null,
    created_at_ms bigint not null
);
