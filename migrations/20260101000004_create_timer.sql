-- Deadlines that any node may carry out.
create table timer (
    kind varchar(32) not null,
    subject varchar(64) not null,
    due_ms bigint not null,
    primary key (kind, subject)
);
