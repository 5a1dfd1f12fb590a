-- Work that one node does for all until its lease runs out.
create table lease (
    name varchar(64) not null primary key,
    holder varchar(64) not null,
    until_ms bigint not null
);
