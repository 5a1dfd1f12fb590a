-- Who was asked already is read with each new offer.
create index offer_by_delivery on offer (delivery_id);
