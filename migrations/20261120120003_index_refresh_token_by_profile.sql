-- Signing a profile out everywhere looks for all of its sign-ins.
create index refresh_token_by_profile on refresh_token (profile_id, created_at_ms);
