-- Why a rider was asked: the candidates and their costs at that moment, as operators see them.
create table offer_why (
    offer_id varchar(64) not null primary key,
    order_id varchar(64) not null,
    body text not null,
    at_ms bigint not null
);
