-- How an order changes hands: what was asked for, and what has happened so far.
create table handover (
    order_id varchar(64) not null primary key,
    store_id varchar(64) not null,
    mode varchar(16) not null check (mode in ('delivery', 'pickup')),
    proof varchar(16) not null check (proof in ('none', 'pin', 'photo', 'leave_at_door')),
    -- Null unless it is handed over against a PIN. Only the customer may see it.
    pin varchar(8),
    -- PINs that were wrong so far.
    n_wrong int not null default 0,
    -- Null until the store accepts.
    code varchar(8),
    -- The same while the store has the goods, null before and after.
    open_code varchar(8),
    -- Null until the store has compared the code.
    checked_ms bigint,
    -- Null until it is handed over.
    proven_by varchar(16),
    -- Null unless there is a photo of the handover.
    photo varchar(64),
    -- These three are null unless an operator does without a proof.
    waived_by varchar(64),
    waived_reason varchar(32),
    waived_ms bigint
);
