-- A telephone number that was proven to be the person's; null while there is none.
alter table account add column phone varchar(20);
