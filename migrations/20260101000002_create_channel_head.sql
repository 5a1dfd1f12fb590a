-- The newest offset of each channel; its row lock gives offsets their order.
create table channel_head (
    channel varchar(128) not null primary key,
    top bigint not null,
    epoch varchar(16) not null
);
