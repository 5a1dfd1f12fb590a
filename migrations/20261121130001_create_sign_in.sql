-- Sign-ins by device: what people see in the list of their devices, and what a refresh token must match.
create table sign_in (
    session_id varchar(64) not null primary key,
    account_id varchar(64) not null,
    profile_id varchar(64) not null,
    -- What the device is called; null if the client did not say.
    device varchar(120),
    -- The program, as it named itself; null if it did not.
    client varchar(160),
    -- Hash of the device's id; null if the client has none.
    device_hash varchar(64),
    -- Hash of what the program calls itself; null until the first refresh of those that were there before it was asked for.
    fingerprint varchar(64),
    -- Whether it lasts for a month without being used instead of a week.
    stays boolean not null,
    created_at_ms bigint not null,
    used_at_ms bigint not null,
    expires_at_ms bigint not null,
    -- Null while it is open.
    ended_at_ms bigint,
    -- Null while it is open.
    ended_why varchar(24)
);
