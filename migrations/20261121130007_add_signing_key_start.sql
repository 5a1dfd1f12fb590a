-- From when on a key signs, in real time: every node knows it before the first one uses it.
alter table signing_key add column signs_from_ms bigint not null default 0;
