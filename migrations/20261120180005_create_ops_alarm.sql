-- What operators should look at, until somebody has.
create table ops_alarm (
    order_id varchar(64) not null,
    kind varchar(32) not null,
    region varchar(12) not null,
    raised_ms bigint not null,
    -- Null while it is open.
    resolved_ms bigint,
    -- Null while it is open, and if it resolved itself.
    resolved_by varchar(64),
    primary key (order_id, kind)
);
