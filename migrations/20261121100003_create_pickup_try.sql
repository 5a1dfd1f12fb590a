-- Wrong pickup codes that a store has tried lately.
create table pickup_try (
    store_id varchar(64) not null primary key,
    since_ms bigint not null,
    n_wrong int not null
);
