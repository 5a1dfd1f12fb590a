-- How much the kitchen had to do when it took the order: its estimate is compared with orders like it.
alter table delivery add column kitchen_load integer not null default 0;
