-- Counts the orders of each slot, so that no slot is sold more often than it has room.
create table slot_count (
    store_id varchar(64) not null,
    slot_ms bigint not null,
    n integer not null check (n >= 0),
    primary key (store_id, slot_ms)
);
