-- How long finished legs took against what was estimated: sums of logarithms, older ones count less.
create table travel_seen (
    region varchar(12) not null,
    -- What the estimate came from.
    basis varchar(8) not null check (basis in ('straight', 'road')),
    vehicle varchar(8) not null check (vehicle in ('walk', 'bike', 'scooter', 'car')),
    -- The hour of the day (UTC), -1 for the whole day.
    at_hour integer not null,
    n double precision not null,
    sum_ln double precision not null,
    primary key (region, basis, vehicle, at_hour)
);
