-- Each sign-in counts those of its account, and people list theirs.
create index sign_in_by_account on sign_in (account_id, created_at_ms);
