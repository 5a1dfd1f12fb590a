-- Prices that were promised for some minutes: of an order that may be placed, or of calling one off.
create table quote (
    quote_id varchar(64) not null primary key,
    customer_id varchar(64) not null,
    kind varchar(16) not null check (kind in ('order', 'cancel')),
    -- The store, or the order.
    subject varchar(64) not null,
    -- What was asked for, in a fixed spelling.
    asked varchar(64) not null,
    -- What was promised, as JSON.
    promised text not null,
    expires_at_ms bigint not null,
    -- Null until it was used.
    used_for varchar(64)
);
