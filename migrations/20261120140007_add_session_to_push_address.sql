-- An address goes with the sign-in that gave it: who is signed out is told nothing more. Empty for addresses from before.
alter table push_address add column session_id varchar(64) not null default '';
