-- Whether the person may sign in: closed can be opened again by an operator, erased cannot.
alter table account add column standing varchar(12) not null default 'active';
