-- What the parties of an order were told of its delay, so that it is told once.
create table order_delay (
    order_id varchar(64) not null primary key,
    promised_at_ms bigint not null,
    late_ms bigint not null,
    told_at_ms bigint not null
);
