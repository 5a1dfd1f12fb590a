-- Entries up to here were removed because nobody may need them any more; offsets go on above.
alter table channel_head add column removed bigint not null default 0;
