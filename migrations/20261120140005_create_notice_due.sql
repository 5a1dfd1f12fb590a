-- What one address was told of one class in one channel, and when to look at it next.
create table notice_due (
    profile_id varchar(64) not null,
    address varchar(64) not null,
    channel varchar(128) not null,
    class varchar(16) not null,
    told_off bigint not null,
    upto_off bigint not null,
    due_ms bigint not null,
    attempt integer not null,
    -- Null while no node is at it.
    claim varchar(64),
    primary key (profile_id, address, channel, class)
);
