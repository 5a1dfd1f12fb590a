-- Everybody who must hear of a store's order.
create index store_staff_by_store on store_staff (store_id);
