-- Who changed what by request, in real time; ids sort by time. Nothing of what was said or sent stands here.
create table audit_entry (
    audit_id varchar(64) not null primary key,
    at_ms bigint not null,
    account_id varchar(64) not null,
    profile_id varchar(64) not null,
    method varchar(8) not null,
    path varchar(200) not null,
    status integer not null,
    request_id varchar(64)
);
