-- What a store's delivery costs beside its base fee, and what its packing costs. A store without a row asks for the base fee only.
create table store_fee (
    store_id varchar(64) not null primary key,
    -- Metres that the base fee covers.
    included_m integer not null check (included_m >= 0),
    -- For each further kilometre that was begun.
    per_km_minor bigint not null check (per_km_minor >= 0),
    -- Items from this amount on are delivered without a fee. Null for never.
    free_from_minor bigint check (free_from_minor >= 0),
    -- For the packing of an order, beside that of its products.
    packing_minor bigint not null check (packing_minor >= 0)
);
