-- What a customer has put together at a store, not ordered yet.
create table cart_line (
    customer_id varchar(64) not null,
    store_id varchar(64) not null,
    product_id varchar(64) not null,
    quantity integer not null check (quantity between 1 and 99),
    updated_at_ms bigint not null,
    primary key (customer_id, store_id, product_id)
);
