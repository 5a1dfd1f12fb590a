-- Counts the changes of a cart, so that one device does not undo unseen what another one did.
create table cart (
    customer_id varchar(64) not null,
    store_id varchar(64) not null,
    version bigint not null,
    updated_at_ms bigint not null,
    primary key (customer_id, store_id)
);
