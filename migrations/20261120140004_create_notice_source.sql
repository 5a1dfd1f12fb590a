-- From which entry on a watched channel has news that nobody has shared out to addresses yet.
create table notice_source (
    channel varchar(128) not null,
    class varchar(16) not null,
    off bigint not null,
    primary key (channel, class)
);
