-- Sign-ins that ended before their tokens did; every node asks for the newest ones.
create table revocation (
    session_id varchar(64) not null primary key,
    profile_id varchar(64) not null,
    -- Real time, the same for all nodes.
    revoked_at_ms bigint not null,
    -- From when on no token of the sign-in is good anyway.
    keep_until_ms bigint not null
);
