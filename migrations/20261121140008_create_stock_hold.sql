-- What an order holds of a product, so that it is confirmed and released once.
create table stock_hold (
    order_id varchar(64) not null,
    product_id varchar(64) not null,
    quantity bigint not null check (quantity > 0),
    state varchar(16) not null check (state in ('reserved', 'sold', 'released')),
    since_ms bigint not null,
    primary key (order_id, product_id)
);
