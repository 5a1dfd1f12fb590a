-- Every change of a stock: the sums of the three columns are the product's numbers.
create table stock_move (
    product_id varchar(64) not null,
    version bigint not null,
    kind varchar(16) not null check (kind in ('opened', 'set', 'adjusted', 'reset', 'reserved', 'confirmed', 'released')),
    -- What is left, reserved and sold has changed by so much.
    available bigint not null,
    reserved bigint not null,
    sold bigint not null,
    -- The order; null if no order caused it.
    order_id varchar(64),
    by_role varchar(16) not null,
    -- Null if no person caused it.
    by_id varchar(64),
    -- Null if none was given.
    reason varchar(32),
    at_ms bigint not null,
    primary key (product_id, version)
);
