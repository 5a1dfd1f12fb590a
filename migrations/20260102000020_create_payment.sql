-- Attempts to pay an order.
create table payment (
    payment_id varchar(64) not null primary key,
    order_id varchar(64) not null,
    provider varchar(16) not null,
    provider_ref varchar(64) not null,
    state varchar(16) not null check (state in ('created', 'processing', 'succeeded', 'failed', 'closed')),
    version bigint not null,
    amount_minor bigint not null check (amount_minor >= 0),
    currency char(3) not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    constraint payment_provider_ref unique (provider, provider_ref)
);
