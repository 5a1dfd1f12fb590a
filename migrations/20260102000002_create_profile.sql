-- What a person is on the platform: one row for each role.
create table profile (
    profile_id varchar(64) not null primary key,
    account_id varchar(64) not null,
    role varchar(16) not null check (role in ('customer', 'merchant', 'rider', 'operator')),
    name varchar(80) not null,
    created_at_ms bigint not null,
    constraint profile_account_role unique (account_id, role)
);
