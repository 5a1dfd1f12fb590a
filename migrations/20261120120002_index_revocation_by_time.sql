-- Nodes ask for what was revoked since they asked last.
create index revocation_by_time on revocation (revoked_at_ms);
