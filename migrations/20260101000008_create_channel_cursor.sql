-- How far each party of a channel has received and read.
create table channel_cursor (
    channel varchar(128) not null,
    profile_id varchar(64) not null,
    delivered_off bigint not null,
    read_off bigint not null,
    primary key (channel, profile_id)
);
