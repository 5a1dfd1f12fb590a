-- Finds the quotes that have run out.
create index quote_by_expiry on quote (expires_at_ms);
