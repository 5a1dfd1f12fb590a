-- The person's picture, by the name of its object in the storage of files; null while there is none.
alter table account add column avatar varchar(160);
