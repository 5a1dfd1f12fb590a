-- How long kitchens took against what they announced: sums of ratios, older ones count less.
create table kitchen_seen (
    store_id varchar(64) not null,
    kind varchar(8) not null check (kind in ('all', 'hour', 'load')),
    -- The hour of the day (UTC), or the class of load; 0 for all.
    bucket integer not null,
    n double precision not null,
    sum_ratio double precision not null,
    primary key (store_id, kind, bucket)
);
