-- What is paid on top of the pay while no rider is found.
alter table delivery add column bonus_minor bigint not null default 0;
