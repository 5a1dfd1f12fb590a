-- What a customer has put together at a store, not ordered yet: a line for each product and choice.
create table cart_item (
    customer_id varchar(64) not null,
    store_id varchar(64) not null,
    -- The product, and a summary of what was chosen with it if anything was.
    line_key varchar(96) not null,
    product_id varchar(64) not null,
    -- Ids with commas between; empty for none.
    options varchar(1000) not null,
    quantity integer not null check (quantity between 1 and 99),
    is_selected boolean not null,
    -- What one piece cost when the customer last saw it. Null if nobody noted it.
    seen_minor bigint,
    updated_at_ms bigint not null,
    primary key (customer_id, store_id, line_key)
);
