-- The token that this one was exchanged for, readable only with this one; null until then. A client whose answer was lost gets it again.
alter table refresh_token add column successor varchar(64);
