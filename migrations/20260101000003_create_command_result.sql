-- One result for each command that changed something, for clients that ask twice.
create table command_result (
    sender varchar(64) not null,
    cid varchar(255) not null,
    body_hash varchar(64) not null,
    result text not null,
    at_ms bigint not null,
    primary key (sender, cid)
);
