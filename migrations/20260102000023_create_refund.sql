-- Money on its way back. Its id is the number that the provider is given, each time it is asked.
create table refund (
    refund_id varchar(64) not null primary key,
    payment_id varchar(64) not null,
    order_id varchar(64) not null,
    state varchar(16) not null check (state in ('requested', 'approved', 'processing', 'succeeded', 'failed', 'rejected', 'cancelled')),
    version bigint not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    reason varchar(32) not null,
    requested_at_ms bigint not null
);
