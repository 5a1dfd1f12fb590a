-- The one device that a profile works on, where its role allows only one.
create table device_seat (
    profile_id varchar(64) not null primary key,
    device varchar(64) not null,
    -- The sign-in that took it; a later one has a larger id.
    session_id varchar(64) not null,
    -- Rises each time another device takes it.
    fence bigint not null,
    -- Real time, the same for all nodes.
    changed_at_ms bigint not null
);
