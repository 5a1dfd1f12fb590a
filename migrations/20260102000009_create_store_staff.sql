-- Which merchants work for which store.
create table store_staff (
    merchant_id varchar(64) not null,
    store_id varchar(64) not null,
    primary key (merchant_id, store_id)
);
