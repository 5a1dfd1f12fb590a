-- When the parties of an order were last told an estimate: at most once a minute, by whichever node.
create table order_estimate (
    order_id varchar(64) not null primary key,
    told_at_ms bigint not null
);
