-- Pieces that ran out while an order was made, and what came of them.
create table order_shortage (
    order_id varchar(64) not null,
    shortage_no integer not null,
    line_no integer not null,
    missing integer not null check (missing between 1 and 99),
    state varchar(16) not null check (state in ('open', 'substituted', 'refunded', 'lapsed')),
    -- What the store offers instead, as JSON. Null for money only.
    substitute text,
    -- What goes back, or goes back if the customer takes the substitute.
    refund_minor bigint not null check (refund_minor >= 0),
    currency char(3) not null,
    raised_at_ms bigint not null,
    -- Null if nobody is asked.
    answer_by_ms bigint,
    primary key (order_id, shortage_no)
);
