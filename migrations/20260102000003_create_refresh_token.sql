-- Refresh tokens, hashed; each is good for one use.
create table refresh_token (
    token_hash varchar(64) not null primary key,
    -- All tokens that descend from one sign-in.
    family_id varchar(64) not null,
    profile_id varchar(64) not null,
    -- Null if the client did not say which device it is.
    device varchar(120),
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    -- Null until it was used or revoked.
    used_at_ms bigint
);
