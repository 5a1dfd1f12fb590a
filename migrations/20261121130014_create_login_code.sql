-- Codes that prove a telephone number or mail address: the newest of each purpose. Nothing here names the person.
create table login_code (
    contact_hash varchar(64) not null,
    purpose varchar(12) not null check (purpose in ('sign_in', 'reset', 'verify')),
    code_hash varchar(64) not null,
    expires_at_ms bigint not null,
    n_tries bigint not null,
    primary key (contact_hash, purpose)
);
