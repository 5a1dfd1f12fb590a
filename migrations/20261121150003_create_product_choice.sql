-- What can be chosen with a product, and what its packing costs. A product without a row has neither.
create table product_choice (
    product_id varchar(64) not null primary key,
    packing_minor bigint not null check (packing_minor >= 0),
    -- Groups of options as JSON: read and written as a whole.
    option_groups text not null
);
