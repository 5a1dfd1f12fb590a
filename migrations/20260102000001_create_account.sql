-- People who can sign in.
create table account (
    account_id varchar(64) not null primary key,
    login varchar(120) not null,
    password_hash varchar(255) not null,
    created_at_ms bigint not null,
    constraint account_login unique (login)
);
