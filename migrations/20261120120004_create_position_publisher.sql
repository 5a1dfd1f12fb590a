-- Which device of a rider publishes his position; a larger fence is the newer claim.
create table position_publisher (
    rider_id varchar(64) not null primary key,
    device varchar(64) not null,
    fence bigint not null,
    -- Real time, the same for all nodes.
    changed_at_ms bigint not null
);
