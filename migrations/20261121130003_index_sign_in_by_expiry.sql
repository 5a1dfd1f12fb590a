-- What has run out is removed.
create index sign_in_by_expiry on sign_in (expires_at_ms);
