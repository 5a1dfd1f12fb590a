-- A few values that all nodes of one store must share.
create table shared_value (
    name varchar(64) not null primary key,
    value text not null
);
