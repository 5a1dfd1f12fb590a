-- An account lists and forgets the own ones.
create index external_identity_by_account on external_identity (account_id);
