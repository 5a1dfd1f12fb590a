-- Counts a store's orders of each of its days, so that people can call them by a short number.
create table store_day (
    store_id varchar(64) not null,
    day_name char(8) not null,
    n integer not null,
    primary key (store_id, day_name)
);
