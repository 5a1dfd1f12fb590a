-- What a customer asked for who wants to call an order off after the free time: the store agrees, by a word or by silence, or not.
create table cancel_request (
    order_id varchar(64) not null primary key,
    state varchar(16) not null check (state in ('open', 'agreed', 'refused', 'lapsed')),
    -- Null if the customer gave none.
    reason varchar(32),
    fee_minor bigint not null check (fee_minor >= 0),
    currency char(3) not null,
    requested_at_ms bigint not null,
    answer_by_ms bigint not null
);
