-- Which riders work now, with what vehicle, and where they were last known for certain.
create table rider_duty (
    rider_id varchar(64) not null primary key,
    duty varchar(8) not null check (duty in ('off', 'on', 'break')),
    vehicle varchar(16) not null,
    capacity integer not null check (capacity between 1 and 50),
    lat double precision not null,
    lng double precision not null,
    since_ms bigint not null,
    n_timeouts integer not null
);
