-- The same results by the client's id first: such ids rise with time, so new rows come side by side
-- instead of one on a page of each sender.
create table command_result_by_cid (
    sender varchar(64) not null,
    cid varchar(255) not null,
    body_hash varchar(64) not null,
    result text not null,
    at_ms bigint not null,
    primary key (cid, sender)
);
