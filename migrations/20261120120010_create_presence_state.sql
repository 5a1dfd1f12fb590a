-- Whether a profile counts as present, as it was told last; rows of `presence` decide.
create table presence_state (
    profile_id varchar(64) not null primary key,
    is_on integer not null check (is_on in (0, 1)),
    -- Since when.
    at_ms bigint not null,
    -- Rises with each change.
    version bigint not null,
    -- The transaction that made the change, so that exactly one node tells it.
    flip varchar(64) not null,
    -- Real time, the same for all nodes.
    changed_at_ms bigint not null
);
