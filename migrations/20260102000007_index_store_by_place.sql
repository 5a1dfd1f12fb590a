-- Stores near a customer.
create index store_by_place on store (lat, lng);
