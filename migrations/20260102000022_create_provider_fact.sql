-- Everything a payment provider told us that was verified, once for each of its events.
create table provider_fact (
    provider varchar(16) not null,
    provider_event_id varchar(128) not null,
    kind varchar(16) not null check (kind in ('paid', 'payment_failed', 'refunded', 'refund_failed')),
    our_ref varchar(64) not null,
    provider_ref varchar(64) not null,
    amount_minor bigint not null,
    currency varchar(8) not null,
    occurred_at_ms bigint not null,
    received_at_ms bigint not null,
    outcome varchar(16) not null check (outcome in ('applied', 'paid_back', 'known', 'mismatch', 'unknown')),
    primary key (provider, provider_event_id)
);
