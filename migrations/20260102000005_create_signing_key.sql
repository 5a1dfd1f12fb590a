-- Keys of access tokens that all nodes share; settings may bring others.
create table signing_key (
    kid varchar(64) not null primary key,
    secret varchar(128) not null,
    created_at_ms bigint not null
);
