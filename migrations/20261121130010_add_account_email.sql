-- A mail address that was proven to be the person's; null while there is none.
alter table account add column email varchar(120);
