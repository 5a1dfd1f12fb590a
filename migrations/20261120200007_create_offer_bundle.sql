-- Offers that are made, taken and declined together: deliveries of one visit to a store.
create table offer_bundle (
    offer_id varchar(64) not null primary key,
    -- The first of them.
    bundle_id varchar(64) not null
);
