-- Where the rider of an order was now and then: a few positions a minute, for after the fact.
create table track_point (
    order_id varchar(64) not null,
    at_ms bigint not null,
    rider_id varchar(64) not null,
    lat double precision not null,
    lng double precision not null,
    primary key (order_id, at_ms)
);
