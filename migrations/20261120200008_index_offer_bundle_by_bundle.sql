-- Whoever answers one offer answers all of its bundle.
create index offer_bundle_by_bundle on offer_bundle (bundle_id);
