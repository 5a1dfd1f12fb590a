-- Every entry of every logged channel; the history, the inbox and the outbox in one.
create table journal (
    channel varchar(128) not null,
    off bigint not null check (off > 0),
    kind varchar(32) not null,
    sender varchar(64) not null,
    -- Null when no client wants to recognise its own command.
    cid varchar(255),
    body text not null,
    -- Null unless the entry makes an inbox's owner hear another channel.
    joins varchar(128),
    at_ms bigint not null,
    primary key (channel, off)
);
