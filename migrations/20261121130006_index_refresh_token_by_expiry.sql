-- What has run out is removed.
create index refresh_token_by_expiry on refresh_token (expires_at_ms);
