-- No two orders that wait in one store have the same code.
create unique index handover_by_open_code on handover (store_id, open_code);
