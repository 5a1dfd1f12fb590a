-- Operators look at what one person did.
create index audit_entry_by_profile on audit_entry (profile_id, audit_id);
