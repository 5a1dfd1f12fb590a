-- Who somebody is at another provider of sign-ins, as WeChat.
create table external_identity (
    provider varchar(24) not null,
    subject varchar(128) not null,
    account_id varchar(64) not null,
    created_at_ms bigint not null,
    primary key (provider, subject)
);
