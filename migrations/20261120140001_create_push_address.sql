-- Where notices for people who are away go: one row for each device that asked for them.
create table push_address (
    address_id varchar(64) not null primary key,
    profile_id varchar(64) not null,
    device varchar(64) not null,
    endpoint varchar(1024) not null,
    endpoint_hash varchar(64) not null,
    p256dh varchar(128) not null,
    auth varchar(64) not null,
    at_ms bigint not null,
    constraint push_address_device unique (profile_id, device)
);
