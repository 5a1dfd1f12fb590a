-- A whole family is revoked when a used token comes back.
create index refresh_token_by_family on refresh_token (family_id);
