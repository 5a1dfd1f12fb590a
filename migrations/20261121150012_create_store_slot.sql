-- How a store takes orders for later. A store without a row takes none.
create table store_slot (
    store_id varchar(64) not null primary key,
    minutes integer not null check (minutes between 5 and 240),
    -- Orders that fit into one slot.
    capacity integer not null check (capacity >= 0),
    days_ahead integer not null check (days_ahead between 1 and 30)
);
