-- What has arrived of a file whose upload goes on, in pieces without holes.
create table attachment_part (
    attachment_id varchar(64) not null,
    off bigint not null check (off >= 0),
    bytes bigint not null check (bytes > 0),
    object varchar(255) not null,
    primary key (attachment_id, off)
);
