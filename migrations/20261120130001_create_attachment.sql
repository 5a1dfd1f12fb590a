-- Files beside the words of a chat: what was announced, how much of it has arrived, where it is kept.
create table attachment (
    attachment_id varchar(64) not null primary key,
    order_id varchar(64) not null,
    owner_id varchar(64) not null,
    name varchar(255) not null,
    media_type varchar(64) not null,
    bytes bigint not null check (bytes > 0),
    sha256 varchar(64) not null,
    state varchar(16) not null check (state in ('open', 'done', 'refused', 'gone')),
    received bigint not null check (received >= 0 and received <= bytes),
    -- Null until the content is whole.
    object varchar(255),
    -- Null until a message carries it: the id of the command that said it.
    message_cid varchar(255),
    created_ms bigint not null
);
